// Which messages of this conversation the viewer has saved: asked for when the menu first opens, kept from then on.

import { call } from "../api.js";
import { toast, toastError } from "../shell/toasts.js";

const MOST = 200;

export class Saved {
  #ids = null;
  #loading = null;

  constructor(conversation) {
    this.conversation = conversation;
  }

  /** Learn what is saved; nothing is known where that fails, and saving again changes nothing. */
  load() {
    this.#loading ??= call("GET", `/saved?conversation=${this.conversation}&limit=${MOST}`).then(
      ({ items }) => (this.#ids = new Set(items.map((item) => item.message.id))),
      () => (this.#loading = null),
    );
    return this.#loading;
  }

  has(message) {
    return Boolean(this.#ids?.has(message.dataset.message));
  }

  /** Save a message, or forget one that is saved. */
  async toggle(message) {
    await this.load();
    const id = message.dataset.message;
    const forget = this.has(message);
    try {
      await call(forget ? "DELETE" : "PUT", `/conversations/${this.conversation}/messages/${id}/saved`);
    } catch (error) {
      toastError(error);
      return;
    }
    if (forget) this.#ids?.delete(id);
    else this.#ids?.add(id);
    if (forget) toast("It is saved no longer.");
    else toast("Saved for later.", { link: "/saved", label: "Add a note" });
  }
}
