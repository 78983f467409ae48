// A list of messages on the page: rendered by the server or here, kept in order of seq, changed by records.

import { overlay, readMessage } from "../live/overlay.js";
import { render } from "../live/render.js";
import { messageView } from "../live/view.js";
import { arrange } from "./arrange.js";
import { drawStanding } from "./standings.js";
import { swap } from "./swap.js";

const EXCERPT = 90;

export class Stream {
  /** `list` is the <ol>; `prefix` sets the element ids apart when a message stands on the page twice. */
  constructor(list, viewer, prefix = "m") {
    this.list = list;
    this.viewer = viewer;
    this.prefix = prefix;
    for (const item of this.items()) this.#mark(item);
  }

  items() {
    return [...this.list.querySelectorAll(":scope > .message")];
  }

  find(id) {
    return this.list.querySelector(`:scope > [data-message="${CSS.escape(id)}"]`);
  }

  /** The messages with a seq; those on their way have none. */
  get first() {
    return this.list.querySelector(":scope > .message:not([data-seq='0'])");
  }

  get last() {
    const items = this.items().filter((item) => item.dataset.seq !== "0");
    return items[items.length - 1] ?? null;
  }

  /** Put messages, in order of seq, where it says. One that stands already, or stands as on its way, is replaced. */
  put(messages) {
    const first = Number(this.first?.dataset.seq ?? 0);
    if (messages.length > 1 && messages[messages.length - 1].seq < first) this.#putBefore(messages);
    else for (const message of messages) this.#place(message);
    arrange(this.list);
  }

  /** An older page, in one piece. */
  #putBefore(messages) {
    const page = document.createDocumentFragment();
    page.append(...messages.map((message) => this.make(message)));
    this.list.prepend(page);
  }

  #place(message) {
    const item = this.make(message);
    const standing = (message.id ? this.find(message.id) : null) ?? this.#onItsWay(message);
    if (standing) swap(standing, item);
    else this.#insert(item, message.seq);
  }

  /** An element for a message. */
  make(message) {
    const item = render("message", messageView(message));
    if (this.prefix !== "m") item.id = item.id.replace(/^m-/, `${this.prefix}-`);
    this.#mark(item);
    return item;
  }

  #onItsWay(message) {
    if (!message.client_id || message.author.id !== this.viewer) return null;
    return this.list.querySelector(`:scope > [data-client="${CSS.escape(message.client_id)}"]`);
  }

  /** Most messages belong at the foot, above what is on its way. */
  #insert(item, seq) {
    let after = this.list.lastElementChild;
    while (after && seq && (after.dataset.seq === "0" || Number(after.dataset.seq ?? 0) > seq)) {
      after = after.previousElementSibling;
    }
    if (after) after.after(item);
    else this.list.prepend(item);
  }

  /** Lay a record over the message it is about, when that one is here. Returns whether it was. */
  lay(record, target = record.target_id) {
    const item = target && this.find(target);
    if (!item) return false;
    this.replace(item, overlay(readMessage(item), record));
    return true;
  }

  /** Show another state of the message at an element, and keep the focus. */
  replace(item, message) {
    const fresh = this.make(message);
    if (item.hasAttribute("data-grouped")) fresh.dataset.grouped = "1";
    swap(item, fresh);
  }

  remove(items) {
    for (const item of items) item.remove();
    arrange(this.list);
  }

  /** What differs by who looks: own reactions, mentions of oneself, what a reply answers. */
  #mark(item) {
    for (const button of item.querySelectorAll(".reaction")) {
      button.setAttribute("aria-pressed", String(button.dataset.actors.split(" ").includes(this.viewer)));
    }
    drawStanding(item);
    if (item.dataset.mentions?.includes(this.viewer)) item.dataset.mineMentioned = "";
    const parent = item.dataset.parent && this.find(item.dataset.parent);
    const text = (parent?.querySelector(".title") ?? parent?.querySelector(".content"))?.textContent.trim();
    if (!text) return;
    const who = parent.querySelector(".author").textContent;
    const shown = text.length > EXCERPT ? `${text.slice(0, EXCERPT).trimEnd()}…` : text;
    item.querySelector(".reply-mark .truncate").textContent = `${who}: ${shown}`;
  }
}
