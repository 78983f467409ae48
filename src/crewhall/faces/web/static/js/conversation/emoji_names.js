// Emoji by their names: `:smile` completes, `:smile:` becomes 😄. The names come when they are first asked for.

import { render } from "../live/render.js";
import { inFence, lineStart, replaceText } from "./textarea.js";

const NAMES = new URL("../../vendor/emoji.txt", import.meta.url);
const WORD = /(?:^|[\s([{])(:[a-z0-9_+-]{2,}:?)$/i;
const WRITTEN = /(^|[\s([{]):([a-z0-9_+-]{2,}):(?![\w:])/gim;
const MOST = 8;
let known = null;

async function load() {
  const answer = await fetch(NAMES);
  if (!answer.ok) throw new TypeError("the names of emoji are away");
  let group = "";
  const found = [];
  for (const line of (await answer.text()).split("\n")) {
    if (line.startsWith("# ")) group = line.slice(2);
    else if (line) {
      const [emoji, names, words = ""] = line.split(" ");
      found.push({ emoji, group, names: names.split(","), words: words.split(",") });
    }
  }
  return found;
}

/** Every emoji, in groups; none when the names cannot be had. */
export async function allEmoji() {
  known ??= load();
  try {
    return await known;
  } catch {
    known = null;
    return [];
  }
}

function rank({ names, words }, wanted) {
  if (names.includes(wanted)) return 0;
  if (names.some((name) => name.startsWith(wanted))) return 1;
  if (words.some((word) => word.startsWith(wanted))) return 2;
  return names.some((name) => name.includes(wanted)) ? 3 : 4;
}

/** Up to `most` emoji with that in a name or a word about them, best first. */
export async function findEmoji(text, most) {
  const wanted = text.trim().toLowerCase().replaceAll(" ", "_");
  const ranked = (await allEmoji()).map((one) => [rank(one, wanted), one]).filter(([place]) => place < 4);
  return ranked.sort(([a], [b]) => a - b).slice(0, most).map(([, one]) => one);
}

/** The text with the emoji that it names (pasted, or typed faster than the list), but for what is code. */
export async function withEmoji(text) {
  if (text.search(WRITTEN) < 0) return text;
  const named = new Map((await allEmoji()).flatMap(({ emoji, names }) => names.map((name) => [name, emoji])));
  const isCode = (at) => inFence(text, at) || text.slice(lineStart(text, at), at).split("`").length % 2 === 0;
  return text.replace(WRITTEN, (whole, before, name, at) => {
    const emoji = named.get(name.toLowerCase());
    return emoji && !isCode(at + before.length) ? before + emoji : whole;
  });
}

export class EmojiNames {
  label = "Emoji";

  constructor(text) {
    this.text = text;
  }

  word(before) {
    const word = WORD.exec(before)?.[1];
    return word && !inFence(before, before.length) ? word : null;
  }

  async find(word) {
    const name = word.replaceAll(":", "");
    const found = await findEmoji(name, MOST);
    if (!word.endsWith(":")) return found;
    const exact = found.find((one) => one.names.includes(name.toLowerCase()));
    if (exact && this.text.value.slice(0, this.text.selectionStart).endsWith(word)) this.take(exact, word);
    return [];
  }

  option({ emoji, names }) {
    return render("emoji-option", { emoji, name: `:${names[0]}:` });
  }

  take({ emoji }, word) {
    const end = this.text.selectionStart;
    replaceText(this.text, word.endsWith(":") ? emoji : `${emoji} `, end - word.length, end);
  }
}
