// The page of a run that is under way: what it writes, as it comes; the page anew when it has ended.

import { call } from "../api.js";
import { runOf } from "../conversation/writing.js";
import { live } from "../live/socket.js";
import { Anew } from "../shell/anew.js";

const PAUSE_MS = 300;

class Run extends HTMLElement {
  connectedCallback() {
    if (!this.hasAttribute("data-open")) return;
    this.text = this.querySelector("[data-text]");
    this.request = 0;
    this.ending = new AbortController();
    this.anew = new Anew(undefined, PAUSE_MS);
    const { signal } = this.ending;
    const after = Number(this.dataset.lastSeq);
    this.unfollow = live.follow(this.dataset.conversation, after, (frame) => this.#onFrame(frame));
    live.addEventListener("tokens", ({ detail }) => detail.run === this.dataset.run && this.#onTokens(detail), { signal });
    live.addEventListener("approval", () => this.#again(), { signal });
    live.addEventListener("back", () => this.#again(), { signal });
    this.#check();
  }

  disconnectedCallback() {
    this.ending?.abort();
    this.unfollow?.();
    this.anew?.stop();
  }

  #onTokens(frame) {
    if (frame.done) {
      this.#again();
      return;
    }
    if (frame.request !== this.request || frame.at === 0) this.text.textContent = "";
    this.request = frame.request;
    this.text.textContent += frame.text;
  }

  #onFrame(frame) {
    if (frame.type === "resumed") this.#check();
    if (frame.type === "record" && runOf(frame.record.client_id) === this.dataset.run) this.#again();
  }

  /** It may have ended while the page was on its way, before anything was heard here. */
  async #check() {
    const run = await call("GET", `/runs/${this.dataset.run}`).catch(() => null);
    if (run?.completed_at && this.isConnected) this.#again();
  }

  /** Its end is written a moment after its last word. */
  #again() {
    this.anew.soon();
  }
}

customElements.define("crew-run", Run);
