// What one can do with a message: react, pin, edit, delete, see earlier versions, copy.

import * as Turbo from "../../vendor/turbo.js";

import { copy } from "../shell/dialogs.js";
import { openBeside } from "../shell/popovers.js";
import { toastError } from "../shell/toasts.js";
import { edit } from "./editor.js";
import { runOf } from "./writing.js";

/** Copy the address of a message; of a reply it opens the thread too. */
export function copyLink(conversation, message) {
  const { seq, parent } = message.dataset;
  copy(`${location.origin}/c/${conversation}?${parent ? `thread=${parent}&` : ""}at=${seq}`);
}

export class Tools {
  constructor(conversation) {
    this.conversation = conversation;
    this.menu = conversation.querySelector("#message-menu");
    this.emoji = conversation.querySelector("#emoji");
    conversation.addEventListener("click", (event) => this.#onClick(event));
    for (const popover of [this.menu, this.emoji]) {
      popover.addEventListener("toggle", (event) => event.newState === "closed" && this.#onClosed());
    }
    conversation.addEventListener("crew:edit-last", () => this.#editLast());
  }

  #onClick(event) {
    const picked = event.target.closest("#emoji [data-emoji]");
    if (picked) this.#pick(picked.dataset.emoji);
    const chosen = event.target.closest("#message-menu [data-menu]");
    if (chosen) this.#choose(chosen.dataset.menu);
    const button = event.target.closest("[data-do]");
    if (button) this.#do(button.dataset.do, button, button.closest(".message"));
    if (event.target.closest("a[data-turbo-frame='thread']")) {
      this.conversation.querySelector("turbo-frame#thread").dataset.asked = "";
    }
  }

  #do(what, button, message) {
    const { outbox } = this.conversation;
    if (what === "react") this.#react(message, button.dataset.emoji);
    else if (what === "pick") this.#open(this.emoji, button, message);
    else if (what === "menu") this.#openMenu(button, message);
    else if (what === "history") this.#history(message);
    else if (what === "retry") outbox.retry(message.dataset.client);
    else if (what === "discard") outbox.discard(message.dataset.client);
  }

  #open(popover, button, message) {
    this.opener = button;
    this.message = message;
    message.dataset.menu = "";
    openBeside(popover, button, { end: true });
  }

  #onClosed() {
    delete this.message?.dataset.menu;
    if (document.activeElement === document.body) this.opener?.focus();
  }

  #openMenu(button, message) {
    const mine = message.dataset.authorId === this.conversation.viewer;
    const { mayPin, mayModerate, mayWrite } = this.conversation.dataset;
    const open = mayWrite === "true";
    const turn = runOf(message.dataset.client);
    const allowed = {
      turn: Boolean(turn),
      decisions: !turn && message.dataset.authorType !== "system",
      edit: open && mine,
      delete: open && (mine || mayModerate === "true"),
      pin: open && mayPin === "true",
      history: Boolean(message.querySelector(".edited")),
    };
    for (const item of this.menu.querySelectorAll("[data-menu]")) item.hidden = allowed[item.dataset.menu] === false;
    this.menu.querySelector("[data-menu='pin'] span").textContent = message.querySelector(".pin-mark") ? "Unpin" : "Pin";
    this.#open(this.menu, button, message);
  }

  #choose(what) {
    const { message } = this;
    this.menu.hidePopover();
    const { conversation } = this;
    if (what === "copy-link") copyLink(conversation.id_, message);
    else if (what === "copy-text") copy(message.querySelector(".content").innerText);
    else if (what === "turn") Turbo.visit(`/runs/${runOf(message.dataset.client)}`);
    else if (what === "decisions") Turbo.visit(`/c/${conversation.id_}/decisions?message=${message.dataset.message}`);
    else if (what === "history") this.#history(message);
    else if (what === "edit") edit(conversation, message);
    else if (what === "delete") this.#delete(message);
    else if (what === "pin") {
      const method = message.querySelector(".pin-mark") ? "DELETE" : "PUT";
      conversation.about(method, message.dataset.message, "/pin").catch(toastError);
    }
  }

  #pick(emoji) {
    const { message } = this;
    this.emoji.hidePopover();
    const standing = message.querySelector(`.reaction[data-emoji="${CSS.escape(emoji)}"]`);
    if (standing?.getAttribute("aria-pressed") !== "true") this.#react(message, emoji);
  }

  #react(message, emoji) {
    const standing = message.querySelector(`.reaction[data-emoji="${CSS.escape(emoji)}"]`);
    const method = standing?.getAttribute("aria-pressed") === "true" ? "DELETE" : "PUT";
    this.conversation.about(method, message.dataset.message, `/reactions/${encodeURIComponent(emoji)}`).catch(toastError);
  }

  #delete(message) {
    const dialog = this.conversation.querySelector("#delete-message");
    dialog.returnValue = "";
    dialog.showModal();
    dialog.onclose = () => {
      if (dialog.returnValue !== "delete") return;
      this.conversation.about("DELETE", message.dataset.message).catch(toastError);
    };
  }

  #history(message) {
    const dialog = this.conversation.querySelector("#history");
    dialog.querySelector("turbo-frame").src = `/c/${this.conversation.id_}/messages/${message.dataset.message}/history`;
    dialog.showModal();
  }

  #editLast() {
    const mine = this.conversation.stream.items().filter((item) => item.dataset.authorId === this.conversation.viewer);
    const last = mine.filter((item) => item.dataset.seq !== "0" && item.querySelector(".content")).pop();
    if (last) edit(this.conversation, last);
  }
}
