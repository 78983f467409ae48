// How far an organization's index is: its numbers move while something is under way, and the page comes anew once it is over.

import * as Turbo from "../../vendor/turbo.js";
import { call } from "../api.js";

const LOOK_MS = 2000;

/** The numbers of the page, by name; `over`: nothing is under way any more. */
export function countsOf(status) {
  const waiting = status.queued + status.extracting + status.embedding;
  return {
    counts: { ...status, under_way: waiting, rewritten: status.rewriting?.done ?? 0 },
    over: !waiting && !status.outdated && !status.next_model && !status.rewriting,
  };
}

class Knowledge extends HTMLElement {
  connectedCallback() {
    if ("underWay" in this.dataset) this.#wait();
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  #wait() {
    this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  async #look() {
    try {
      const { counts, over } = countsOf(await call("GET", "/knowledge/status"));
      if (!this.isConnected) return;
      if (over) {
        Turbo.visit(location.href, { action: "replace" });
        return;
      }
      for (const place of this.querySelectorAll("[data-count]")) {
        place.textContent = counts[place.dataset.count].toLocaleString("en");
      }
      for (const bar of this.querySelectorAll("progress[data-part]")) bar.value = counts[bar.dataset.part];
    } catch {
      // The server is away: it goes on there, and is asked again.
    }
    if (this.isConnected) this.#wait();
  }
}

customElements.define("crew-knowledge", Knowledge);
