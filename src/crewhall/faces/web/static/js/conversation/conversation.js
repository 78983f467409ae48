// One open conversation: the stream, what one sends, what arrives, what has been read, the thread beside it.

import { call } from "../api.js";
import { live } from "../live/socket.js";
import { toastError } from "../shell/toasts.js";
import { drawUnreadLine } from "./arrange.js";
import { History } from "./history.js";
import { moveByKeys, rove } from "./keys.js";
import { Outbox, tellSaid, tellWriters } from "./outbox.js";
import { ReadMarker } from "./read.js";
import { Scroller } from "./scroller.js";
import { Stream } from "./stream.js";
import { Threads } from "./threads.js";
import { Tools } from "./tools.js";
import { Typing } from "./typing.js";
import { Writing } from "./writing.js";

const SPOKEN = 500;

class Conversation extends HTMLElement {
  connectedCallback() {
    this.id_ = this.dataset.conversation;
    this.viewer = document.body.dataset.viewer;
    this.lastSeq = Number(this.dataset.lastSeq);
    this.missed = 0;
    const column = this.querySelector(".stream");
    this.older = this.querySelector("[data-older]");
    this.announcer = this.querySelector("[data-announcer]");
    this.pill = this.querySelector("[data-jump]");
    this.stream = new Stream(column.querySelector(".messages"), this.viewer);
    this.scroller = new Scroller(column.querySelector(".scroller"), {
      onNearTop: () => this.history.older(),
      onNearFoot: () => this.history.newer(),
      onFoot: () => this.#onFoot(),
      isWhole: () => !this.history?.hasNewer,
    });
    const ends = { older: !this.older.hidden, newer: this.hasAttribute("data-has-newer") };
    this.history = new History(this.id_, this.stream, this.scroller, ends, () => this.#showEnds());
    this.read = new ReadMarker(this.id_, Number(this.dataset.readSeq || this.lastSeq));
    this.threads = new Threads(this, this.viewer);
    this.tools = new Tools(this);
    this.typing = new Typing(this.querySelector(".stream [data-typing]"), this.viewer);
    this.writing = new Writing(this);
    const author = { type: "user", id: this.viewer, name: document.body.dataset.viewerName };
    this.outbox = new Outbox(this.id_, author, {
      show: (message) => this.#show(message),
      drop: (clientId) => this.#drop(clientId),
      failed: (clientId) => tellWriters(this, clientId),
    });
    this.#listen();
    this.#openAtPlace();
    this.outbox.resume((id) => this.querySelector(`.message[data-client="${CSS.escape(id)}"]:not([data-seq="0"])`));
  }

  disconnectedCallback() {
    this.ending.abort();
    this.unfollow();
    this.scroller.stop();
    this.threads.stop();
    this.read.stop();
    this.writing.clear();
  }

  #listen() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.unfollow = live.follow(this.id_, this.lastSeq, (frame) => this.#onFrame(frame));
    live.addEventListener("state", () => live.state === "open" && this.outbox.retryUnreached(), { signal });
    live.addEventListener("tokens", ({ detail }) => detail.conversation === this.id_ && this.writing.take(detail), { signal });
    live.addEventListener("back", () => this.writing.clear(), { signal });
    // A network that was away for a moment need not have cost the socket; and it is told of a little before it is there.
    for (const ms of [0, 1500]) window.addEventListener("online", () => setTimeout(() => this.outbox.retryUnreached(), ms), { signal });
    this.addEventListener("crew:take-back", ({ detail }) => this.outbox.takeBack(detail.clientId).catch(toastError), { signal });
    this.addEventListener("crew:send", (event) => this.#send(event.detail), { signal });
    document.addEventListener("keydown", (event) => moveByKeys(event, this), { signal });
    rove(this, signal);
    this.pill?.addEventListener("click", () => this.#jump(), { signal });
    for (const type of ["focus", "visibilitychange"]) {
      (type === "focus" ? window : document).addEventListener(type, () => this.#onFoot(), { signal });
    }
  }

  /** Begin where a link points, at the first unread message when it is out of view, else at the foot. */
  #openAtPlace() {
    const found = this.querySelector(".message[data-found]");
    const line = this.stream.list.querySelector("[data-unread-line]");
    this.scroller.toFoot();
    if (found) this.scroller.show(found, found.dataset.found === "top" ? "start" : "center");
    else if (line && line.getBoundingClientRect().top < this.scroller.element.getBoundingClientRect().top) {
      this.scroller.following = false;
      line.scrollIntoView({ block: "start" });
    }
    this.#onFoot();
    this.#showEnds();
  }

  #onFrame(frame) {
    if (frame.type === "ephemeral" && frame.event === "typing") this.typing.seen(frame.actor);
    if (frame.type !== "record") return;
    this.lastSeq = Math.max(this.lastSeq, frame.seq);
    const { record } = frame;
    this.history.heard(record);
    if (record.type === "message") this.#arrive(record);
    else this.scroller.hold(() => this.stream.lay(record));
    this.threads.take(record);
    if (this.scroller.following) this.#onFoot();
  }

  #arrive(message) {
    const mine = message.author.id === this.viewer;
    if (mine && !this.outbox.arrived(message.client_id)) tellSaid(this, message);
    if (this.history.leaves(message)) return;
    this.typing.gone(message.author.id);
    this.writing.arrived(message);
    if (message.parent_id) this.scroller.hold(() => this.#countReply(message));
    if (this.history.hasNewer) {
      if (!mine) this.#count();
      return;
    }
    const standing = this.stream.find(message.id);
    const away = !mine && !standing && (document.hidden || !this.scroller.following);
    this.scroller.hold(() => this.stream.put([message]));
    if (away && !this.stream.list.querySelector("[data-unread-line]")) {
      this.scroller.hold(() => drawUnreadLine(this.stream.list, this.stream.find(message.id)));
    }
    if (mine || standing) return;
    if (!this.scroller.following) this.#count();
    else this.history.bound();
    const said = this.stream.find(message.id).querySelector(".content")?.textContent.trim() ?? "";
    this.announcer.textContent = `${message.author.name}: ${said.length > SPOKEN ? `${said.slice(0, SPOKEN)}…` : said}`;
  }

  #countReply(reply) {
    if (!this.stream.find(reply.id)) this.stream.lay(reply, reply.parent_id);
  }

  /** A message of one's own, on its way, posted, or failed. */
  #show(message) {
    if (message.seq && message.parent_id) this.scroller.hold(() => this.#countReply(message));
    if (!this.history.hasNewer) this.scroller.hold(() => this.stream.put([message]));
    this.threads.take(message);
  }

  #drop(clientId) {
    for (const item of this.querySelectorAll(`[data-client="${CSS.escape(clientId)}"]`)) item.remove();
  }

  #send({ parentId, ...written }) {
    if (parentId) this.threads.toNewest(this.lastSeq);
    else {
      drawUnreadLine(this.stream.list, null);
      this.history.newest(this.lastSeq);
    }
    this.outbox.send(written, parentId);
    if (!parentId) this.scroller.toFoot();
  }

  #count() {
    this.missed += 1;
    this.#showEnds();
  }

  async #jump() {
    await this.history.newest(this.lastSeq);
    this.#onFoot();
  }

  #onFoot() {
    if (!this.scroller.following || this.history.hasNewer) return;
    this.missed = 0;
    this.#showEnds();
    this.read.moveTo(this.lastSeq);
  }

  #showEnds() {
    this.older.hidden = !this.history.hasOlder;
    this.querySelector("[data-beginning]").hidden = this.history.hasOlder;
    if (!this.pill) return;
    const far = this.history.hasNewer || this.scroller.fromFoot > this.scroller.element.clientHeight;
    this.pill.hidden = !this.missed && !far;
    const text = this.missed ? `${this.missed} new ${this.missed === 1 ? "message" : "messages"}` : "Newest";
    this.pill.querySelector("[data-jump-text]").textContent = text;
  }

  /** The API's address of a message. */
  path(id) {
    return `/conversations/${this.id_}/messages/${id}`;
  }

  /** Call the API about a message. */
  about(method, id, rest = "", body) {
    return call(method, this.path(id) + rest, body);
  }
}

customElements.define("crew-conversation", Conversation);
