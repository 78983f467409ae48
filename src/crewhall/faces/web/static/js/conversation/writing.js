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

  /** `list` is an <ol>; `hold` changes the page without moving the reader; `announce` tells a screen reader. */
  constructor(list, { mayStop, hold, announce }) {
    this.list = list;
    this.mayStop = mayStop;
    this.hold = hold;
    this.announce = announce;
    list.addEventListener("click", (event) => this.#onClick(event));
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
    this.hold(() => this.#show(entry));
  }

  /** A message has arrived: the answer of its run is no longer being written. */
  arrived(message) {
    const run = runOf(message.client_id);
    if (run) this.#drop(run);
  }

  clear() {
    for (const run of [...this.#runs.keys()]) this.#drop(run);
  }

  #begin(frame) {
    const { id, name } = frame.actor;
    const view = { run: frame.run, name, initials: initials(name), hue: hue(id), going: "is thinking…", href: `/runs/${frame.run}`, may_stop: this.mayStop };
    const item = render("writing", view);
    const entry = { item, request: frame.request, text: "", length: 0, timer: null };
    this.#runs.set(frame.run, entry);
    this.hold(() => {
      this.list.append(item);
      this.list.hidden = false;
    });
    this.announce(`${name} is writing.`);
    return entry;
  }

  #show(entry) {
    entry.item.querySelector(".content").textContent = entry.text;
    entry.item.querySelector(".going").textContent = entry.text ? "is writing…" : "is thinking…";
  }

  #drop(run) {
    const entry = this.#runs.get(run);
    if (!entry) return;
    clearTimeout(entry.timer);
    this.#runs.delete(run);
    this.hold(() => {
      entry.item.remove();
      this.list.hidden = !this.list.children.length;
    });
  }

  async #onClick(event) {
    const button = event.target.closest("[data-stop]");
    if (!button) return;
    button.disabled = true;
    try {
      await call("POST", `/runs/${button.closest("[data-run]").dataset.run}/cancel`);
    } catch (error) {
      if (error.code !== "conflict") toastError(error); // it has ended in this very moment
      button.disabled = error.code === "conflict";
    }
  }
}
