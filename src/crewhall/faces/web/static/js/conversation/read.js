// The read marker moves when the newest messages were in view of somebody who looks.

import { call } from "../api.js";

const SETTLE_MS = 300;
const seen = new Map();

/** The seq up to which this tab has shown a conversation; the server may not have heard of it yet. */
export function seenUpTo(conversation) {
  return seen.get(conversation) ?? -1;
}

export class ReadMarker {
  #timer = null;

  constructor(conversation, seq) {
    this.conversation = conversation;
    this.seq = seq;
    this.onLeave = () => this.#tellNow();
    window.addEventListener("pagehide", this.onLeave);
  }

  /** Everything from `seq` on is unread again; it stays so until the page is left. Returns when the server knows. */
  async moveBack(seq, count) {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.isHeld = true;
    const { last_read_seq: now } = await call("POST", `/conversations/${this.conversation}/unread`, { seq });
    this.seq = now;
    seen.delete(this.conversation);
    document.getElementById("sidebar")?.setUnread?.(this.conversation, count);
  }

  /** Everything up to `seq` has been seen, when the window has the focus. */
  moveTo(seq) {
    if (this.isHeld || document.hidden || !document.hasFocus()) return;
    seen.set(this.conversation, Math.max(seq, seenUpTo(this.conversation)));
    document.getElementById("sidebar")?.setUnread?.(this.conversation, 0);
    if (seq <= this.seq) return;
    this.seq = seq;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tell(), SETTLE_MS);
  }

  stop() {
    window.removeEventListener("pagehide", this.onLeave);
    this.#tellNow();
  }

  /** Tell what waits to be told: the page may be gone before its time comes. */
  #tellNow() {
    if (!this.#timer) return;
    clearTimeout(this.#timer);
    this.#tell();
  }

  async #tell() {
    this.#timer = null;
    try {
      await call("POST", `/conversations/${this.conversation}/read`, { seq: this.seq }, { keepalive: true });
    } catch {
      // It is told again with the next message.
    }
  }
}
