// When a schedule comes: chosen by a button or written as five fields, said in words below while one types.

const PAUSE_MS = 250;

class When extends HTMLElement {
  #timer = null;
  #asked = 0;

  connectedCallback() {
    this.cron = this.querySelector("[name=cron]");
    this.zone = this.querySelector("[name=timezone]");
    this.querySelector("[data-often]").hidden = false;
    this.addEventListener("click", (event) => this.#choose(event.target.closest("[data-cron]")));
    this.addEventListener("input", () => this.#saySoon());
    this.#say();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  #choose(button) {
    if (!button) return;
    this.cron.value = button.dataset.cron;
    this.#say();
  }

  #saySoon() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#say(), PAUSE_MS);
  }

  async #say() {
    for (const button of this.querySelectorAll("[data-cron]")) {
      button.setAttribute("aria-pressed", String(button.dataset.cron === this.cron.value.trim()));
    }
    const asked = (this.#asked += 1);
    const typed = new URLSearchParams({ cron: this.cron.value, timezone: this.zone.value });
    const answer = await fetch(`/schedules/words?${typed}`, { headers: { accept: "text/html" } }).catch(() => null);
    if (!answer?.ok || answer.redirected || asked !== this.#asked) return;
    const said = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("p");
    if (said && asked === this.#asked) this.querySelector("[data-words]").replaceChildren(...said.childNodes);
  }
}

customElements.define("crew-when", When);
