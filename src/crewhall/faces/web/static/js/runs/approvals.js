// The inbox of approvals: the page anew when one is asked for or decided, unless somebody is at work in a form.

import { live } from "../live/socket.js";
import { Anew } from "../shell/anew.js";

class Approvals extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    this.anew = new Anew();
    const { signal } = this.ending;
    live.addEventListener("approval", () => this.#again(), { signal });
    live.addEventListener("back", () => this.#again(), { signal });
    this.addEventListener("turbo:submit-start", () => this.#decide(true), { signal });
    this.addEventListener("turbo:submit-end", ({ detail }) => this.#decide(detail.success), { signal });
  }

  disconnectedCallback() {
    this.ending.abort();
    this.anew.stop();
  }

  #decide(isDeciding) {
    this.isDeciding = isDeciding;
    this.anew.forget();
  }

  #again() {
    this.anew.forget();
    if (this.isDeciding) return; // the answer leads to the page anew, and says what was done
    if (this.querySelector("details[open]")) return; // what is being typed is not taken away
    this.anew.soon();
  }
}

customElements.define("crew-approvals", Approvals);
