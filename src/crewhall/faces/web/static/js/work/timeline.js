// The timeline: the page anew when something happened, unless it is looked at further down; there it says so.

import * as Turbo from "../../vendor/turbo.js";

import { live } from "../live/socket.js";

const PAUSE_MS = 200;

class Timeline extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    live.addEventListener("timeline", () => this.#hear(), { signal });
    live.addEventListener("back", () => this.#hear(), { signal });
  }

  disconnectedCallback() {
    this.ending.abort();
    clearTimeout(this.timer);
  }

  #hear() {
    clearTimeout(this.timer);
    if (!this.hasAttribute("data-newest")) return;
    if (this.closest(".below-bar").scrollTop > 0) {
      this.querySelector("[data-grown]").hidden = false;
      return;
    }
    this.timer = setTimeout(() => Turbo.visit(location.href, { action: "replace" }), PAUSE_MS);
  }
}

customElements.define("crew-timeline", Timeline);
