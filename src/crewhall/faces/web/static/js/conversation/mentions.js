// Completion of @mentions: people by handle, agents by code, with presence. The field is a combobox, the list a listbox.

import { render } from "../live/render.js";
import { hue, initials } from "../live/view.js";
import { findCandidates } from "./candidates.js";

const WORD = /(?:^|[\s(])@([\p{L}\p{N}._-]*)$/u;
const MOST = 8;

export class Mentions {
  #at = 0;
  #asked = 0;

  constructor(text, list) {
    this.text = text;
    this.list = list;
    text.addEventListener("input", () => this.#complete());
    text.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(option);
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  close() {
    this.#asked += 1;
    this.list.hidden = true;
    this.text.setAttribute("aria-expanded", "false");
    this.text.removeAttribute("aria-activedescendant");
  }

  /** Handle a key while the list is open; returns whether it was one of the list's. */
  onKey(event) {
    if (!this.isOpen) return false;
    const options = [...this.list.children];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#select((this.#at + step + options.length) % options.length);
    } else if (event.key === "Enter" || event.key === "Tab") this.#choose(options[this.#at]);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  async #complete() {
    const before = this.text.value.slice(0, this.text.selectionStart);
    const word = WORD.exec(before)?.[1];
    if (word === undefined) {
      this.close();
      return;
    }
    const asked = (this.#asked += 1);
    const found = await findCandidates(word, MOST);
    if (asked !== this.#asked) return;
    if (!found.length) {
      this.close();
      return;
    }
    this.list.replaceChildren(...found.map((candidate) => this.#option(candidate)));
    this.list.hidden = false;
    this.text.setAttribute("aria-expanded", "true");
    this.#select(0);
  }

  #option(candidate) {
    return render("mention-option", {
      ...candidate,
      dom_id: `${this.list.id}-${candidate.id}`,
      at: `@${candidate.handle}`,
      initials: initials(candidate.name),
      hue: hue(candidate.id),
    });
  }

  #select(at) {
    this.#at = at;
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    const option = this.list.children[at];
    this.text.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  #choose(option) {
    const end = this.text.selectionStart;
    const start = this.text.value.lastIndexOf("@", end - 1);
    this.text.setRangeText(`@${option.dataset.handle} `, start, end, "end");
    this.close();
    this.text.dispatchEvent(new Event("input", { bubbles: true }));
  }
}
