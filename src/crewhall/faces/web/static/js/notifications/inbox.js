// The inbox: the page anew when something comes or is read elsewhere, unless it is looked at further down.

import { live } from "../live/socket.js";
import { isStale } from "../live/told.js";
import { Anew } from "../shell/anew.js";

class Inbox extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    this.anew = new Anew(() => location.search.includes("after=") || this.closest(".below-bar").scrollTop > 0);
    const { signal } = this.ending;
    live.addEventListener("notification", () => this.anew.soon(), { signal });
    live.addEventListener("back", () => this.anew.soon(), { signal });
    if (isStale()) this.anew.soon();
  }

  disconnectedCallback() {
    this.ending.abort();
    this.anew.stop();
  }
}

customElements.define("crew-inbox", Inbox);
