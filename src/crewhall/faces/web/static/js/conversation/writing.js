// Answers of agents while they are written: shown below the messages until the message itself arrives.

import { call } from "../api.js";
import { render } from "../live/render.js";
import { hue, initials } from "../live/view.js";
import { toastError } from "../shell/toasts.js";

/** A run that says nothing for so long is no longer shown: its process may have died. */
const SILENT_MS = 180000;
const RUN_CLIENT = /^run:([0-9a-f-]{36})/;

/** The run that posted a message, by the message's client id; null for other messages. */
export function runOf(clientId) {
  return clientId?.match(RUN_CLIENT)?.[1] ?? null;
}

export class Writing {
  #runs = new Map();

  /** `conversation` is the <crew-conversation>: its column, and the thread that is open beside it. */
  constructor(conversation) {
    this.conversation = conversation;
    this.list = conversation.querySelector(".stream [data-writing]");
  }

  /** Take a frame of tokens. `at` counts characters as the server does: whole code points. */
  take(frame) {
    if (frame.done) {
      this.#drop(frame.run);
      return;
    }
    const entry = this.#runs.get(frame.run) ?? this.#begin(frame);
    if (entry.request !== frame.request || frame.at === 0) Object.assign(entry, { request: frame.request, text: "", length: 0 });
    if (frame.at !== entry.length) entry.text += "… ";
    entry.text += frame.text;
    entry.length = frame.at + [...frame.text].length;
    clearTimeout(entry.timer);
    entry.timer = setTimeout(() => this.#drop(frame.run), SILENT_MS);
    this.#show(entry);
  }

  /** A message has arrived: the answer of its run is no longer being written. */
  arrived(message) {
    const run = runOf(message.client_id);
    if (run) this.#drop(run);
  }

  /** Another thread is open, or none: what is written goes where it belongs now. */
  move() {
    for (const entry of this.#runs.values()) this.#show(entry);
  }

  clear() {
    for (const run of [...this.#runs.keys()]) this.#drop(run);
  }

  #begin({ run, actor, parent_id: parent, request }) {
    const entry = { run, actor, parent, request, text: "", length: 0, timer: null, item: null, place: null };
    this.#runs.set(run, entry);
    this.conversation.announcer.textContent = `${actor.name} is writing${parent ? " in a thread" : ""}.`;
    return entry;
  }

  /** What is in a thread stays in the thread: the column has one line that leads there while it is not open. */
  #placeOf({ parent }) {
    const { threads, scroller } = this.conversation;
    if (!parent) return { list: this.list, scroller, template: "writing" };
    if (threads.id !== parent) return { list: this.list, scroller, template: "writing-in-thread" };
    return { list: threads.written, scroller: threads.scroller, template: "writing" };
  }

  #show(entry) {
    const place = this.#placeOf(entry);
    place.scroller.hold(() => {
      if (entry.place?.list !== place.list || entry.place.template !== place.template) this.#put(entry, place);
      if (place.template !== "writing") return;
      entry.item.querySelector(".content").textContent = entry.text;
      entry.item.querySelector(".going").textContent = entry.text ? "is writing…" : "is thinking…";
    });
  }

  #put(entry, place) {
    const { run, parent, actor } = entry;
    const { id, name } = actor;
    const mayStop = this.conversation.dataset.mayWrite === "true"; // as it is now: it may have been restored meanwhile
    const view = { run, name, initials: initials(name), hue: hue(id), href: `/runs/${run}`, may_stop: mayStop };
    const item = render(place.template, { ...view, told: `${name} is writing in a thread…`, thread_href: `?thread=${parent}` });
    item.querySelector("[data-stop]")?.addEventListener("click", ({ currentTarget }) => this.#stop(run, currentTarget));
    entry.item?.remove();
    place.list.append(item);
    Object.assign(entry, { item, place });
  }

  #drop(run) {
    const entry = this.#runs.get(run);
    if (!entry) return;
    clearTimeout(entry.timer);
    this.#runs.delete(run);
    this.#placeOf(entry).scroller.hold(() => entry.item.remove());
  }

  async #stop(run, button) {
    button.disabled = true;
    try {
      await call("POST", `/runs/${run}/cancel`);
    } catch (error) {
      if (error.code !== "conflict") toastError(error); // it has ended in this very moment
      button.disabled = error.code === "conflict";
    }
  }
}
