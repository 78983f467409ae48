// The timeline: the page anew when something happened, unless it is looked at further down; there it says so.

import { live } from "../live/socket.js";
import { Anew } from "../shell/anew.js";

class Timeline extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    this.anew = new Anew(() => !this.hasAttribute("data-newest") || this.closest(".below-bar").scrollTop > 0);
    const { signal } = this.ending;
    live.addEventListener("timeline", () => this.#hear(), { signal });
    live.addEventListener("back", () => this.#hear(), { signal });
  }

  disconnectedCallback() {
    this.ending.abort();
    this.anew.stop();
  }

  #hear() {
    this.anew.forget();
    if (!this.hasAttribute("data-newest")) return;
    if (this.closest(".below-bar").scrollTop > 0) {
      this.querySelector("[data-grown]").hidden = false;
      return;
    }
    this.anew.soon();
  }
}

customElements.define("crew-timeline", Timeline);
