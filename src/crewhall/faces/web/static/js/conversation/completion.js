// Completion while one writes: the field is a combobox, the list a listbox. What completes is a source:
// `word(before)` says what is begun before the caret (null: nothing), `find(word)` gives choices, best first, `option(choice)`
// an element, `take(choice, word)` does it.

export class Completion {
  #at = 0;
  #asked = 0;
  #source = null;
  #choices = [];
  #word = "";

  constructor(text, list, sources) {
    this.text = text;
    this.list = list;
    this.sources = sources;
    text.addEventListener("input", () => this.#complete());
    text.addEventListener("blur", () => this.close());
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      const option = event.target.closest("[role=option]");
      if (option) this.#choose([...list.children].indexOf(option));
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
    if (!this.isOpen && event.key === "Escape") this.close(); // of what is still on its way, too
    if (!this.isOpen || event.altKey) return false;
    const { length } = this.#choices;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.#select((this.#at + step + length) % length);
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") this.#choose(this.#at);
    else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  async #complete() {
    const before = this.text.value.slice(0, this.text.selectionStart);
    const [source, word] = this.#begun(before);
    if (!source) {
      this.close();
      return;
    }
    const asked = (this.#asked += 1);
    const found = await source.find(word);
    if (asked !== this.#asked) return;
    if (!found.length) {
      this.close();
      return;
    }
    [this.#source, this.#word, this.#choices] = [source, word, found];
    this.list.setAttribute("aria-label", source.label);
    this.list.replaceChildren(...found.map((choice, at) => this.#option(choice, at)));
    this.list.hidden = false;
    this.text.setAttribute("aria-expanded", "true");
    this.#select(0);
  }

  #begun(before) {
    for (const source of this.sources) {
      const word = source.word(before);
      if (word !== null) return [source, word];
    }
    return [null, ""];
  }

  #option(choice, at) {
    const option = this.#source.option(choice);
    option.id = `${this.list.id}-${at}`;
    return option;
  }

  #select(at) {
    this.#at = at;
    [...this.list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    const option = this.list.children[at];
    this.text.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  #choose(at) {
    this.close();
    this.#source.take(this.#choices[at], this.#word);
  }
}
