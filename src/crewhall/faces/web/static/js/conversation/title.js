// The title of a message that is being written: one line above the text, there when it is wanted.

export class Title {
  /** `form` has a field `title` and a control [data-add-title]; `text` is where one writes on. */
  constructor(form, text, { onChange = () => {} } = {}) {
    this.field = form.elements.title;
    this.control = form.querySelector("[data-add-title]");
    this.text = text;
    this.onChange = onChange;
    this.control.addEventListener("click", () => this.#toggle());
    this.field.addEventListener("input", onChange);
    this.field.addEventListener("keydown", (event) => this.#onKey(event));
  }

  get value() {
    return this.field.value.trim();
  }

  /** Give it a title, or take its line away with an empty one. */
  set value(title) {
    this.field.value = title;
    this.#open(Boolean(title));
  }

  #open(isOpen) {
    this.field.hidden = !isOpen;
    this.control.setAttribute("aria-expanded", String(isOpen));
    this.control.textContent = isOpen ? "Remove title" : "Add a title";
  }

  #toggle() {
    if (!this.field.hidden) {
      this.#remove();
      return;
    }
    this.#open(true);
    this.field.focus();
  }

  #remove() {
    this.value = "";
    this.onChange();
    this.text.focus();
  }

  #onKey(event) {
    if (event.isComposing) return;
    if (event.key === "Enter") this.text.focus();
    else if (event.key === "Escape" && !this.field.value) this.#remove();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
