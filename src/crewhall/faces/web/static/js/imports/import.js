// An import that is at work: its numbers move while the page is open, and the page comes anew once it is over.

import * as Turbo from "../../vendor/turbo.js";
import { call } from "../api.js";

const AT_WORK = new Set(["reading", "running"]);
const LOOK_MS = 1000;

class Import extends HTMLElement {
  connectedCallback() {
    if (AT_WORK.has(this.dataset.status)) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  async #look() {
    try {
      const found = await call("GET", `/imports/${this.dataset.import}`);
      if (!this.isConnected) return;
      if (found.status !== this.dataset.status) {
        Turbo.visit(location.href, { action: "replace" });
        return;
      }
      this.#show(found);
    } catch {
      // The server is away: it goes on there, and is asked again.
    }
    if (this.isConnected) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  #show(found) {
    const taken = this.querySelector("[data-taken]");
    if (!taken) return;
    taken.textContent = found.taken.toLocaleString("en");
    const progress = this.querySelector("progress");
    progress.value = found.counts.fresh ? Math.min(100, (100 * found.taken) / found.counts.fresh) : 100;
  }
}

customElements.define("crew-import", Import);
