// A source that is being gone through, or whose documents are being read: what is said of them moves while the page is open,
// and the page comes anew once that is over.

import * as Turbo from "../../vendor/turbo.js";
import { call } from "../api.js";

const UNDER_WAY = new Set(["waiting", "syncing"]);
const LOOK_MS = 1000;

class Source extends HTMLElement {
  connectedCallback() {
    if (this.#isGoneThrough || this.#reading.length) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  disconnectedCallback() {
    clearTimeout(this.timer);
  }

  get #isGoneThrough() {
    return UNDER_WAY.has(this.dataset.state);
  }

  /** What is said of documents that are not read yet. */
  get #reading() {
    return [...this.querySelectorAll("crew-standing")];
  }

  async #look() {
    try {
      const isOver = this.#isGoneThrough ? await this.#lookAtSource() : await this.#lookAtItems();
      if (!this.isConnected) return;
      if (isOver) {
        Turbo.visit(location.href, { action: "replace" });
        return;
      }
    } catch {
      // The server is away: it goes on there, and is asked again.
    }
    if (this.isConnected) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  async #lookAtSource() {
    const found = await call("GET", this.dataset.source);
    for (const place of this.querySelectorAll("[data-count]")) {
      place.textContent = found.counts[place.dataset.count].toLocaleString("en");
    }
    return found.state !== this.dataset.state;
  }

  async #lookAtItems() {
    const { items } = await call("GET", `${this.dataset.source}/items${location.search}`);
    for (const place of this.#reading) {
      const found = items.find((item) => item.document_id === place.dataset.document);
      if (found) place.learn({ ...found, id: found.document_id });
    }
    return this.#reading.every((place) => !place.isUnderWay);
  }
}

customElements.define("crew-source", Source);
