// The inbox: the page anew when something comes or is read elsewhere, unless it is looked at further down.

import * as Turbo from "../../vendor/turbo.js";

import { live } from "../live/socket.js";
import { isStale } from "../live/told.js";

const PAUSE_MS = 200;

class Inbox extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    live.addEventListener("notification", () => this.#again(), { signal });
    live.addEventListener("back", () => this.#again(), { signal });
    if (isStale()) this.#again();
  }

  disconnectedCallback() {
    this.ending.abort();
    clearTimeout(this.timer);
  }

  #again() {
    clearTimeout(this.timer);
    if (location.search.includes("after=") || this.closest(".below-bar").scrollTop > 0) return;
    this.timer = setTimeout(() => Turbo.visit(location.href, { action: "replace" }), PAUSE_MS);
  }
}

customElements.define("crew-inbox", Inbox);
