// The inbox: the page anew when something comes or is read elsewhere, unless it is looked at further down.

import { live } from "../live/socket.js";
import { isStale } from "../live/told.js";
import { Anew } from "../shell/anew.js";

class Inbox extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    this.anew = new Anew();
    const { signal } = this.ending;
    live.addEventListener("notification", () => this.#again(), { signal });
    live.addEventListener("back", () => this.#again(), { signal });
    if (isStale()) this.#again();
  }

  disconnectedCallback() {
    this.ending.abort();
    this.anew.stop();
  }

  #again() {
    this.anew.forget();
    if (location.search.includes("after=") || this.closest(".below-bar").scrollTop > 0) return;
    this.anew.soon();
  }
}

customElements.define("crew-inbox", Inbox);
