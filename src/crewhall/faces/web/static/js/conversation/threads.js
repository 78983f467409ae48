// The thread beside the stream: a frame that the server fills, kept live by the conversation's records.

import { History } from "./history.js";
import { Scroller } from "./scroller.js";
import { Stream } from "./stream.js";

const CHANGES = ["turbo:frame-load", "crew:frame-change"];

export class Threads {
  constructor(conversation, viewer) {
    this.viewer = viewer;
    this.conversation = conversation;
    this.frame = conversation.querySelector("turbo-frame#thread");
    this.loaded = () => {
      this.#open();
      conversation.writing?.move();
    };
    for (const type of CHANGES) this.frame.addEventListener(type, this.loaded);
    this.#open();
  }

  stop() {
    for (const type of CHANGES) this.frame.removeEventListener(type, this.loaded);
    this.#close();
  }

  #close() {
    this.scroller?.stop();
    this.scroller = this.replies = this.root = this.history = this.written = this.id = null;
  }

  /** The address names the thread that is open, so that it can be copied, reloaded and come back to. */
  #entitle(id) {
    const url = new URL(location.href);
    if (url.searchParams.get("thread") === id) return;
    url.searchParams.delete("at"); // a place in another thread, or in none
    if (id) url.searchParams.set("thread", id);
    else url.searchParams.delete("thread");
    history.replaceState(history.state, "", url);
  }

  #open() {
    this.#close();
    const panel = this.frame.querySelector(".thread");
    if (!panel) {
      this.#entitle(null);
      this.#goBack();
      return;
    }
    if (!panel.dataset.thread) {
      this.from = new URL(this.frame.src).searchParams.get("thread"); // it could not be loaded
      return;
    }
    this.id = this.from = panel.dataset.thread;
    this.root = new Stream(panel.querySelector(".root"), this.viewer, "t");
    this.replies = new Stream(panel.querySelector(".replies"), this.viewer, "t");
    this.written = panel.querySelector("[data-writing]");
    this.scroller = new Scroller(panel.querySelector(".scroller"), {
      onNearTop: () => this.history?.older(),
      onNearFoot: () => this.history?.newer(),
      isWhole: () => !this.history?.hasNewer,
    });
    const [older, newer] = ["[data-older]", "[data-newer]"].map((selector) => panel.querySelector(selector));
    const ends = { older: !older.hidden, newer: !newer.hidden, parent: this.id };
    this.history = new History(this.conversation.id_, this.replies, this.scroller, ends, () => {
      older.hidden = !this.history.hasOlder;
      newer.hidden = !this.history.hasNewer;
    });
    const found = panel.querySelector("[data-found]");
    this.scroller.toFoot();
    if (found) this.scroller.show(found);
    this.#entitle(this.id);
    if (this.frame.hasAttribute("data-asked")) panel.querySelector("textarea")?.focus();
  }

  /** Who closed the thread goes on at the message that it hangs on. */
  #goBack() {
    if (!this.from) return;
    const message = this.conversation.stream.find(this.from);
    this.from = null;
    if (document.activeElement !== document.body) return;
    const place = message?.querySelector(".thread-link, .tools a") ?? this.conversation.querySelector(".stream textarea");
    place?.focus({ preventScroll: true });
  }

  /** Take a record, or a message on its way, when it belongs here. */
  take(record) {
    if (!this.id) return;
    const isReply = record.type === "message" && record.parent_id === this.id;
    if (record.seq && (isReply || record.type !== "message")) this.history.heard(record);
    this.scroller.hold(() => {
      if (record.type !== "message") {
        if (!this.root.lay(record)) this.replies.lay(record);
      } else if (isReply) {
        const standing = this.replies.find(record.id);
        if (!this.history.hasNewer) this.replies.put([record]);
        if (record.seq && !standing) this.#count();
      }
    });
  }

  /** Whoever replies reads on at the newest replies. */
  toNewest(lastSeq) {
    this.history?.newest(lastSeq);
  }

  /** The thread's heading says how many replies there are. */
  #count() {
    const place = this.frame.querySelector("[data-replies]");
    const count = (parseInt(place.textContent, 10) || 0) + 1;
    place.textContent = `${count} ${count === 1 ? "reply" : "replies"}`;
  }
}
