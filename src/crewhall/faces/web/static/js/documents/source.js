// A source that is being gone through: its numbers move while the page is open, and the page comes anew once it is over.

import * as Turbo from "../../vendor/turbo.js";
import { call } from "../api.js";

const UNDER_WAY = new Set(["waiting", "syncing"]);
const LOOK_MS = 1000;

class Source extends HTMLElement {
  connectedCallback() {
    if (UNDER_WAY.has(this.dataset.state)) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  async #look() {
    try {
      const found = await call("GET", this.dataset.source);
      if (!this.isConnected) return;
      if (found.state !== this.dataset.state) {
        Turbo.visit(location.href, { action: "replace" });
        return;
      }
      for (const place of this.querySelectorAll("[data-count]")) {
        place.textContent = found.counts[place.dataset.count].toLocaleString("en");
      }
    } catch {
      // The server is away: it goes on there, and is asked again.
    }
    if (this.isConnected) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }
}

customElements.define("crew-source", Source);
