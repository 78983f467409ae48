// The inbox of approvals: the page anew when one is asked for or decided, unless somebody is at work in a form.

import { live } from "../live/socket.js";
import { Anew } from "../shell/anew.js";

class Approvals extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    // The answer to a decision leads to the page anew, and says what was done; what is being typed is not taken away.
    this.anew = new Anew(() => this.isDeciding || this.querySelector("details[open]"));
    const { signal } = this.ending;
    live.addEventListener("approval", () => this.anew.soon(), { signal });
    live.addEventListener("back", () => this.anew.soon(), { signal });
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
}

customElements.define("crew-approvals", Approvals);
