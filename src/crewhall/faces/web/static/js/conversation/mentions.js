// Completion of @mentions: people by handle, agents by code, with who is there.

import { render } from "../live/render.js";
import { hue, initials } from "../live/view.js";
import { findCandidates } from "./candidates.js";
import { replaceText } from "./textarea.js";

const WORD = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u;
const MOST = 8;

export class Mentions {
  label = "Mention somebody";

  constructor(text) {
    this.text = text;
  }

  word(before) {
    return WORD.exec(before)?.[1] ?? null;
  }

  find(word) {
    return findCandidates(word, MOST);
  }

  option(candidate) {
    return render("mention-option", {
      ...candidate,
      at: `@${candidate.handle}`,
      initials: initials(candidate.name),
      hue: hue(candidate.id),
    });
  }

  take(candidate, word) {
    const end = this.text.selectionStart;
    replaceText(this.text, `@${candidate.handle} `, end - word.length - 1, end);
  }
}
