// What one has begun to write: kept in the browser with each key, and on the server a moment later, so that it is there on
// every device. Each save says which version it was made from; what another window wrote meanwhile is shown, never written over.

import { call } from "../api.js";
import { Kept } from "./kept.js";

const PAUSE_MS = 1000;
const LAST_RETRY_MS = 60000;
const EMPTY = { content: "", title: "", kind: "" };
const [SHOWN, SETTLE_MS] = [140, 500]; // characters; and until who sends has thrown the draft away
const channel = new BroadcastChannel("crewhall:drafts");

const wordsOf = ({ content, title, kind }) => ({ content: content ?? "", title: title ?? "", kind: kind ?? "" });
const isSame = (one, other) => one.content === other.content && one.title === other.title && one.kind === other.kind;
const isEmpty = ({ content, title }) => !content.trim() && !title;

export class Draft {
  #timer = null;
  #retry = PAUSE_MS;
  #queue = Promise.resolve();
  #conflict = null;
  #ending = new AbortController();

  /** `read()` and `write(words)` are the fields, `hang(files)` shows what hangs on it; `version` is of what stands in them as the page comes. */
  constructor({ conversation, parent, version, read, write, hang, notice }) {
    this.path = `/conversations/${conversation}/draft`;
    this.parent = parent || null;
    this.place = `${document.body.dataset.viewer}:${conversation}:${parent}`;
    this.kept = new Kept(this.place);
    this.version = version;
    this.read = read;
    this.write = write;
    this.hang = hang;
    this.notice = notice;
    this.saved = read();
    this.#listen();
    this.#recover();
  }

  /** The fields have changed. */
  changed() {
    this.#keep();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  /** Save what differs; what cannot be saved now stays in the browser, and is saved later. */
  save({ keepalive = false } = {}) {
    clearTimeout(this.#timer);
    this.#queue = this.#queue.then(() => this.#save(keepalive));
    return this.#queue;
  }

  /** What was begun has been sent. What another window wrote stays. */
  sent() {
    clearTimeout(this.#timer);
    this.kept.forget();
    const foreign = this.#conflict;
    this.#settle();
    this.#queue = this.#queue.then(async () => {
      if (!this.version || foreign) return;
      const query = new URLSearchParams({ version: this.version, ...(this.parent ? { parent: this.parent } : {}) });
      this.#know(EMPTY, 0);
      await call("DELETE", `${this.path}?${query}`, undefined, { keepalive: true }).catch(() => {});
    });
  }

  /** Something was said here in another window. If it was these words, or what they had been saved as, they go; what was typed since stays. */
  said(isThis) {
    this.#queue = this.#queue.then(() => {
      if (this.#conflict || isEmpty(this.read())) return;
      if (!isThis()) return void (this.#isSaved() && setTimeout(() => this.#refresh(), SETTLE_MS));
      this.write(EMPTY);
      this.sent();
    });
  }

  stop() {
    this.#ending.abort();
    if (!this.#isSaved()) this.save({ keepalive: true });
  }

  #listen() {
    const { signal } = this.#ending;
    channel.addEventListener("message", ({ data }) => data.place === this.place && this.#hear(data), { signal });
    window.addEventListener("online", () => this.save(), { signal });
    window.addEventListener("pagehide", () => this.#isSaved() || this.save({ keepalive: true }), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.#refresh(), { signal });
    this.notice.addEventListener("click", (event) => this.#decide(event.target.closest("[data-choice]")?.dataset.choice), { signal });
  }

  /** What this tab had not saved, or one that is gone, when it was made of the same version; else both are shown. */
  #recover() {
    const left = this.kept.find();
    if (!left || isSame(left, this.saved)) {
      this.kept.forget();
      return;
    }
    const there = { ...this.saved, version: this.version };
    this.write(left);
    this.#keep(left.version);
    if (left.version === this.version || isEmpty(there)) this.save();
    else this.#disagree(there);
  }

  async #save(keepalive) {
    if (this.#conflict || this.#isSaved()) return;
    const words = this.read();
    const body = {
      content: words.content,
      version: this.version,
      ...(words.title ? { title: words.title } : {}),
      ...(words.kind ? { kind: words.kind } : {}),
      ...(this.parent ? { parent_id: this.parent } : {}),
    };
    try {
      const { version } = await call("PUT", this.path, body, { keepalive });
      this.#retry = PAUSE_MS;
      this.#know(words, version);
    } catch (error) {
      if (error.code === "stale_draft") this.#disagree(error.details.draft);
      else if (!error.status || error.status >= 500) this.#tryAgain();
    }
  }

  /** The server cannot be reached: ever more seldom, until it can. */
  #tryAgain() {
    if (this.#ending.signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.save(), this.#retry);
    this.#retry = Math.min(this.#retry * 2, LAST_RETRY_MS);
  }

  #know(words, version) {
    this.saved = words;
    this.version = version;
    if (this.#isSaved()) this.kept.forget();
    channel.postMessage({ place: this.place, ...words, version });
  }

  /** Another tab of this browser has saved. */
  #hear(there) {
    if (!this.#isSaved() || this.#conflict) return;
    this.saved = wordsOf(there);
    this.version = there.version;
    this.write(this.saved);
  }

  async #refresh() {
    if (!this.#isSaved()) {
      this.save();
      return;
    }
    const query = this.parent ? `?parent=${this.parent}` : "";
    const there = await call("GET", this.path + query).catch(() => null);
    if (!there || this.#ending.signal.aborted) return;
    this.hang(there.files);
    if (there.version !== this.version) this.#hear(there);
  }

  #disagree(there) {
    const other = wordsOf(there);
    this.version = there.version;
    if (isSame(other, this.read()) || isEmpty(other)) {
      this.saved = other;
      this.save();
      return;
    }
    this.#conflict = other;
    const said = other.content.trim() || other.title;
    this.notice.querySelector("[data-other]").textContent = said.length > SHOWN ? `${said.slice(0, SHOWN)}…` : said;
    this.notice.hidden = false;
  }

  #decide(choice) {
    const other = this.#conflict;
    if (!choice || !other) return;
    const mine = this.read();
    this.#settle();
    this.saved = other;
    if (choice === "take") this.write(other);
    else if (choice === "both") this.write({ ...mine, title: mine.title || other.title, content: `${mine.content}\n\n${other.content}` });
    this.#keep();
    this.save();
  }

  #settle() {
    this.#conflict = null;
    this.notice.hidden = true;
  }

  #isSaved() {
    return isSame(this.read(), this.saved);
  }

  #keep(version = this.version) {
    if (this.#isSaved()) this.kept.forget();
    else this.kept.keep(this.read(), version);
  }
}
