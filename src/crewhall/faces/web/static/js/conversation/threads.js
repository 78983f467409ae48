// The thread beside the stream: a frame that the server fills, kept live by the conversation's records.

import { Scroller } from "./scroller.js";
import { Stream } from "./stream.js";

const CHANGES = ["turbo:frame-load", "crew:frame-change"];

export class Threads {
  constructor(conversation, viewer) {
    this.viewer = viewer;
    this.conversation = conversation;
    this.frame = conversation.querySelector("turbo-frame#thread");
    this.loaded = () => this.#open();
    for (const type of CHANGES) this.frame.addEventListener(type, this.loaded);
    this.#open();
  }

  stop() {
    for (const type of CHANGES) this.frame.removeEventListener(type, this.loaded);
    this.#close();
  }

  #close() {
    this.scroller?.stop();
    this.scroller = this.replies = this.root = this.id = null;
  }

  #open() {
    this.#close();
    const panel = this.frame.querySelector(".thread");
    if (!panel) {
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
    this.scroller = new Scroller(panel.querySelector(".scroller"), {});
    this.scroller.toFoot();
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
    this.scroller.hold(() => {
      if (record.type === "message") {
        if (record.parent_id === this.id) this.replies.put([record]);
      } else if (!this.root.lay(record)) this.replies.lay(record);
    });
  }
}
