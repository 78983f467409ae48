// The list of pinned messages: asked for again when somebody pins, unpins, edits or deletes.

import { live } from "../live/socket.js";

const SETTLE_MS = 150;

class Pins extends HTMLElement {
  #unfollow = null;
  #timer = null;
  #ending = null;

  connectedCallback() {
    this.frame = this.querySelector("turbo-frame");
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    const { conversation, lastSeq } = this.dataset;
    this.#unfollow = live.follow(conversation, Number(lastSeq), (frame) => this.#onFrame(frame));
    this.addEventListener("submit", () => (this.acting = true), { signal, capture: true });
    this.addEventListener("turbo:frame-render", () => this.#refocus(), { signal });
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    this.#ending.abort();
    this.#unfollow();
  }

  #onFrame(frame) {
    if (frame.type !== "record") return;
    const { type, target_id: target } = frame.record;
    const listed = ["edit", "deletion"].includes(type) && this.querySelector(`[data-pin="${CSS.escape(target)}"]`);
    if (!["pin", "unpin"].includes(type) && !listed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), SETTLE_MS);
  }

  #refresh() {
    if (this.frame.src) this.frame.reload();
    else this.frame.src = `/c/${this.dataset.conversation}/about`;
  }

  /** Who unpinned by key goes on from the list's heading: the button is gone. */
  #refocus() {
    if (this.acting) document.getElementById("pinned-title")?.focus();
    this.acting = false;
  }
}

customElements.define("crew-pins", Pins);
