// Whose a task is to be, found while one types: the server names them.

const PAUSE_MS = 150;

class Whose extends HTMLElement {
  #timer = null;
  #asked = 0;

  connectedCallback() {
    this.querySelector("input").addEventListener("input", (event) => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#find(event.target.value.trim()), PAUSE_MS);
    });
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
  }

  async #find(typed) {
    const asked = (this.#asked += 1);
    const answer = await fetch(`/tasks/assignees?q=${encodeURIComponent(typed)}`).catch(() => null);
    if (!answer?.ok || asked !== this.#asked || !this.isConnected) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (asked === this.#asked) this.querySelector("datalist").replaceChildren(...fresh.querySelectorAll("option"));
  }
}

customElements.define("crew-whose", Whose);
