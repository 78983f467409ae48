// Posting later: a few moments to choose from, or any.

import { call } from "../api.js";
import { stamp } from "../live/view.js";
import { toast, toastError } from "../shell/toasts.js";

const MINUTE_MS = 60000;
const MORNING = 9;

function morning(daysAhead) {
  const day = new Date();
  day.setDate(day.getDate() + daysAhead);
  day.setHours(MORNING, 0, 0, 0);
  return day;
}

const MOMENTS = {
  soon: () => new Date(Date.now() + 20 * MINUTE_MS),
  hour: () => new Date(Date.now() + 60 * MINUTE_MS),
  tomorrow: () => morning(1),
  monday: () => morning(((8 - new Date().getDay()) % 7) || 7),
};

export class LaterMenu {
  /** `read()` gives what is to be said, or null; `done()` is told when it is kept. */
  constructor(popover, { conversation, parent, read, done }) {
    this.popover = popover;
    this.conversation = conversation;
    this.parent = parent;
    this.read = read;
    this.done = done;
    this.field = popover.querySelector("input");
    popover.addEventListener("click", (event) => this.#onClick(event));
    popover.addEventListener("toggle", (event) => event.newState === "open" && this.#suggest());
    this.field.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** The field begins with a moment to come, so that it need only be moved. */
  #suggest() {
    const day = morning(1);
    day.setMinutes(day.getMinutes() - day.getTimezoneOffset());
    this.field.value = day.toISOString().slice(0, 16);
  }

  #onClick(event) {
    const chosen = event.target.closest("[data-later]")?.dataset.later;
    if (chosen) this.#keep(chosen === "then" ? new Date(this.field.value) : MOMENTS[chosen]());
  }

  #onKey(event) {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would send the message now
    this.#keep(new Date(this.field.value));
  }

  async #keep(moment) {
    if (Number.isNaN(moment.getTime())) {
      this.field.focus();
      return;
    }
    const said = this.read();
    this.popover.hidePopover();
    if (!said) {
      toast("Write something first.");
      return;
    }
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    try {
      await call("POST", "/later", {
        conversation_id: this.conversation,
        content: said.content,
        due_at: moment.toISOString(),
        timezone: timeZone || "UTC",
        ...(said.title ? { title: said.title } : {}),
        ...(said.kind ? { kind: said.kind } : {}),
        ...(this.parent ? { parent_id: this.parent } : {}),
      });
    } catch (error) {
      toastError(error);
      return;
    }
    toast(`It will be posted on ${stamp(moment)}. Drafts has it.`);
    this.done();
  }
}
