// Whom to talk with, found while one types: the server finds them, who was chosen stays chosen.

const PAUSE_MS = 150;

class Candidates extends HTMLElement {
  #timer = null;
  #asked = 0;

  connectedCallback() {
    this.field = this.querySelector("input[type=search]");
    if (!this.field) return;
    const button = this.querySelector("[data-find]");
    button.type = "button"; // Enter is the field's own
    button.hidden = true;
    this.field.addEventListener("input", () => this.#findSoon());
    this.field.addEventListener("keydown", (event) => this.#onKey(event));
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  get #choices() {
    return [...this.querySelectorAll(".people-choices input")];
  }

  #onKey(event) {
    if (event.isComposing) return;
    const [first] = this.#choices.filter((choice) => !choice.checked);
    if (event.key === "Enter") {
      event.preventDefault();
      if (!this.field.value.trim()) return;
      first?.click();
      this.field.select();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      first?.focus();
    }
  }

  #findSoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#find(), PAUSE_MS);
  }

  async #find() {
    const asked = (this.#asked += 1);
    const typed = new URLSearchParams(new FormData(this.field.form));
    const answer = await fetch(`/c/new?${typed}`, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || asked !== this.#asked || !this.isConnected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".people-choices");
    if (!fresh || asked !== this.#asked) return;
    const chosen = this.#choices.filter((choice) => choice.checked);
    for (const choice of chosen) {
      fresh.querySelector(`[value="${CSS.escape(choice.value)}"]`)?.closest("label").remove();
    }
    fresh.prepend(...chosen.map((choice) => choice.closest("label")));
    this.querySelector(".people-choices").replaceWith(fresh);
    const count = this.#choices.filter((choice) => !choice.checked).length;
    this.querySelector("[role=status]").textContent = count === 1 ? "1 found" : `${count} found`;
  }
}

customElements.define("crew-candidates", Candidates);
