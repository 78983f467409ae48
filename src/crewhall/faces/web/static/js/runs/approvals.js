// The inbox of approvals: the page anew when one is asked for or decided, unless somebody is at work in a form.

import * as Turbo from "../../vendor/turbo.js";

import { live } from "../live/socket.js";

const PAUSE_MS = 200;

class Approvals extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    live.addEventListener("approval", () => this.#again(), { signal });
    live.addEventListener("back", () => this.#again(), { signal });
    this.addEventListener("turbo:submit-start", () => this.#decide(true), { signal });
    this.addEventListener("turbo:submit-end", ({ detail }) => this.#decide(detail.success), { signal });
  }

  disconnectedCallback() {
    this.ending.abort();
    clearTimeout(this.timer);
  }

  #decide(isDeciding) {
    this.isDeciding = isDeciding;
    clearTimeout(this.timer);
  }

  #again() {
    clearTimeout(this.timer);
    if (this.isDeciding) return; // the answer leads to the page anew, and says what was done
    if (this.querySelector("details[open]")) return; // what is being typed is not taken away
    this.timer = setTimeout(() => Turbo.visit(location.href, { action: "replace" }), PAUSE_MS);
  }
}

customElements.define("crew-approvals", Approvals);
