// The emoji picker: a few that are used often, every other by name. For reactions and for what one writes.

import { openBeside } from "../shell/popovers.js";
import { allEmoji, findEmoji } from "./emoji_names.js";

const MOST = 64;

export class EmojiPicker {
  #onPick = () => {};
  #asked = 0;

  /** `popover` holds a search field and [data-emoji] buttons. */
  constructor(popover) {
    this.popover = popover;
    this.search = popover.querySelector("input");
    this.often = popover.querySelector("[data-often]");
    this.found = popover.querySelector("[data-named]");
    popover.addEventListener("click", (event) => this.#onClick(event));
    popover.addEventListener("toggle", (event) => event.newState === "closed" && this.#reset());
    this.search.addEventListener("input", () => this.#look());
    this.search.addEventListener("keydown", (event) => this.#onKey(event));
    popover.addEventListener("keydown", ({ key, ctrlKey, metaKey }) => key.length === 1 && key !== " " && !ctrlKey && !metaKey && this.search.focus());
  }

  /** Open beside an element; `onPick(emoji)` is told what was chosen. Who types looks for a name. */
  open(opener, onPick) {
    this.#onPick = onPick;
    openBeside(this.popover, opener, { end: true });
  }

  #onClick(event) {
    const picked = event.target.closest("[data-emoji]");
    if (picked) this.#pick(picked.dataset.emoji);
    else if (event.target.closest("[data-all-emoji]")) this.#show(allEmoji());
  }

  #onKey(event) {
    if (event.isComposing) return;
    const first = (this.found.hidden ? this.often : this.found).querySelector("[data-emoji]");
    if (event.key === "Enter" && first) this.#pick(first.dataset.emoji);
    else if (event.key === "ArrowDown") first?.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #pick(emoji) {
    const onPick = this.#onPick;
    this.popover.hidePopover();
    onPick(emoji);
  }

  #look() {
    const text = this.search.value.trim();
    if (text) this.#show(findEmoji(text, MOST));
    else this.#reset();
  }

  async #show(asked) {
    const place = (this.#asked += 1);
    const emoji = await asked;
    if (place !== this.#asked) return;
    this.often.hidden = true;
    this.found.hidden = false;
    this.found.replaceChildren(...emoji.map((one) => button(one)));
    if (emoji.length) return;
    const none = document.createElement("p");
    none.textContent = "No emoji is called that.";
    this.found.append(none);
  }

  #reset() {
    this.#asked += 1;
    this.search.value = "";
    this.found.hidden = true;
    this.often.hidden = false;
  }
}

function button({ emoji, names }) {
  const made = document.createElement("button");
  made.type = "button";
  made.dataset.emoji = emoji;
  made.textContent = emoji;
  made.title = `:${names[0]}:`;
  made.setAttribute("aria-label", names[0].replaceAll("_", " "));
  return made;
}
