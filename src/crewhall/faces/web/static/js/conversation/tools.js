// What one can do with a message: react, pin, edit, delete, see earlier versions, copy.

import * as Turbo from "../../vendor/turbo.js";

import { copy } from "../shell/dialogs.js";
import { openBeside } from "../shell/popovers.js";
import { toastError } from "../shell/toasts.js";
import { addressOf } from "./address.js";
import { edit } from "./editor.js";
import { EmojiPicker } from "./emoji_picker.js";
import { quote } from "./quote.js";
import { Saved } from "./saved.js";
import { markUnread } from "./unread.js";
import { runOf } from "./writing.js";

export class Tools {
  constructor(conversation) {
    this.conversation = conversation;
    this.menu = conversation.querySelector("#message-menu");
    this.emoji = conversation.querySelector("#emoji");
    this.picker = new EmojiPicker(this.emoji);
    this.saved = new Saved(conversation.id_);
    conversation.addEventListener("click", (event) => this.#onClick(event));
    for (const popover of [this.menu, this.emoji]) {
      popover.addEventListener("toggle", (event) => event.newState === "closed" && this.#onClosed());
    }
    conversation.addEventListener("crew:edit-last", (event) => this.#editLast(event.target));
    conversation.addEventListener("crew:quote", (event) => quote(conversation, event.target));
    conversation.addEventListener("crew:pick-emoji", ({ detail }) => this.picker.open(detail.opener, detail.insert));
  }

  #onClick(event) {
    const chosen = event.target.closest("#message-menu [data-menu]");
    if (chosen) this.#choose(chosen.dataset.menu);
    const button = event.target.closest("[data-do]");
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey; // a link may be opened beside
    if (button?.localName === "a" && !elsewhere) event.preventDefault();
    if (button && !(button.localName === "a" && elsewhere)) this.#do(button.dataset.do, button, button.closest(".message"));
    if (event.target.closest("a[data-turbo-frame='thread']")) {
      this.conversation.querySelector("turbo-frame#thread").dataset.asked = "";
    }
  }

  #do(what, button, message) {
    const { outbox } = this.conversation;
    if (what === "react") this.#react(message, button.dataset.emoji);
    else if (what === "pick") this.#openPicker(button, message);
    else if (what === "menu") this.#openMenu(button, message);
    else if (what === "history") this.#history(message);
    else if (what === "retry") outbox.retry(message.dataset.client);
    else if (what === "discard") outbox.discard(message.dataset.client);
  }

  #openPicker(button, message) {
    this.#mark(button, message);
    this.picker.open(button, (emoji) => this.#pick(message, emoji));
  }

  #mark(button, message) {
    this.opener = button;
    this.message = message;
    message.dataset.menu = "";
  }

  #onClosed() {
    delete this.message?.dataset.menu;
    if (document.activeElement === document.body) this.opener?.focus();
  }

  #openMenu(button, message) {
    const allowed = this.#allowed(message);
    for (const item of this.menu.querySelectorAll("[data-menu]")) item.hidden = allowed[item.dataset.menu] === false;
    const label = this.menu.querySelector("[data-menu='save'] span");
    const say = () => (label.textContent = this.saved.has(message) ? "Remove from saved" : "Save for later");
    say();
    this.saved.load().then(() => message === this.message && say());
    this.menu.querySelector("[data-menu='pin'] span").textContent = message.querySelector(".pin-mark") ? "Unpin" : "Pin";
    this.#mark(button, message);
    openBeside(this.menu, button, { end: true });
  }

  #choose(what) {
    const { message } = this;
    if (this.menu.matches(":popover-open")) this.menu.hidePopover();
    const { conversation } = this;
    if (what === "copy-link") copy(addressOf(conversation.id_, message));
    else if (what === "copy-text") copy(message.querySelector(".content").innerText);
    else if (what === "turn") Turbo.visit(`/runs/${runOf(message.dataset.client)}`);
    else if (what === "decisions") Turbo.visit(`/c/${conversation.id_}/decisions?message=${message.dataset.message}`);
    else if (what === "task") Turbo.visit(`/tasks/new?conversation=${conversation.id_}&message=${message.dataset.message}`);
    else if (what === "save") this.saved.toggle(message);
    else if (what === "unread") markUnread(conversation, message);
    else if (what === "history") this.#history(message);
    else if (what === "quote") quote(conversation, message);
    else if (what === "edit") edit(conversation, message);
    else if (what === "delete") this.#delete(message);
    else if (what === "pin") this.#pin(message);
  }

  #pin(message) {
    const method = message.querySelector(".pin-mark") ? "DELETE" : "PUT";
    this.conversation.about(method, message.dataset.message, "/pin").catch(toastError);
  }

  /** What the viewer may do with a message here, by the names of the menu. */
  #allowed(message) {
    const mine = message.dataset.authorId === this.conversation.viewer;
    const { mayPin, mayModerate, mayWrite } = this.conversation.dataset;
    const open = mayWrite === "true";
    const turn = runOf(message.dataset.client);
    return {
      turn: Boolean(turn),
      decisions: message.dataset.authorType !== "system",
      edit: open && mine && Boolean(message.querySelector(".content")),
      "copy-text": Boolean(message.querySelector(".content")),
      task: Boolean(message.querySelector(".content")),
      quote: open && Boolean(message.querySelector(".content")),
      delete: open && (mine || mayModerate === "true"),
      pin: open && mayPin === "true",
      pick: open,
      history: Boolean(message.querySelector(".edited")),
    };
  }

  /** Do what a key asks for, as if it had been chosen of the menu. */
  act(what, message) {
    const present = message.querySelector(":scope > .tools");
    if (!present || this.#allowed(message)[what] === false) return;
    if (what === "pick") this.#openPicker(present.querySelector("[data-do='pick']"), message);
    else if (what === "menu") this.#openMenu(present.querySelector("[data-do='menu']"), message);
    else {
      this.message = message;
      this.#choose(what);
    }
  }

  #pick(message, emoji) {
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

  /** Edit what one said last where one writes: in the stream, or in the thread beside it. */
  #editLast(composer) {
    const items = [...(composer.closest(".thread")?.querySelectorAll(".message") ?? this.conversation.stream.items())];
    const mine = items.filter((item) => item.dataset.authorId === this.conversation.viewer);
    const last = mine.filter((item) => item.dataset.seq !== "0" && item.querySelector(".content")).pop();
    if (last) edit(this.conversation, last);
  }
}
