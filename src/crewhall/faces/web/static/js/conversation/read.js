// The read marker moves when the newest messages were in view of somebody who looks.

import { call } from "../api.js";

const SETTLE_MS = 300;

export class ReadMarker {
  #timer = null;

  constructor(conversation, seq) {
    this.conversation = conversation;
    this.seq = seq;
  }

  /** Everything up to `seq` has been seen, when the window has the focus. */
  moveTo(seq) {
    if (document.hidden || !document.hasFocus()) return;
    document.getElementById("sidebar")?.setUnread?.(this.conversation, 0);
    if (seq <= this.seq) return;
    this.seq = seq;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), SETTLE_MS);
  }

  stop() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#tell();
  }

  async #tell() {
    this.#timer = null;
    try {
      await call("POST", `/conversations/${this.conversation}/read`, { seq: this.seq });
    } catch {
      // It is told again with the next message.
    }
  }
}
