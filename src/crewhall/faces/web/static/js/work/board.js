// The board of a project: cards are dragged, moved by Alt and an arrow, or by the choice that each has; when others move
// one, it moves here. The server says what may follow what; a card that may not go there stays, with the reason.

import { call } from "../api.js";
import { live } from "../live/socket.js";
import { toastError } from "../shell/toasts.js";

const FROM_NOW = Number.MAX_SAFE_INTEGER; // no record has this seq: only what is live is wanted
const SOON_MS = 150;

class Board extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    const { conversation } = this.dataset;
    this.frame = this.querySelector("turbo-frame");
    if (conversation) this.leave = live.follow(conversation, FROM_NOW, () => {});
    live.addEventListener("task", ({ detail }) => detail.conversation === conversation && this.#soon(), { signal });
    live.addEventListener("back", () => this.#soon(), { signal });
    this.addEventListener("turbo:before-frame-render", ({ detail }) => this.#keepFocus(detail), { signal });
    if (this.hasAttribute("data-closed")) return;
    this.setAttribute("data-lively", "");
    this.addEventListener("change", (event) => this.#chosen(event), { signal });
    this.addEventListener("keydown", (event) => this.#pressed(event), { signal });
    this.addEventListener("dragstart", (event) => this.#lift(event), { signal });
    this.addEventListener("dragover", (event) => this.#over(event), { signal });
    this.addEventListener("dragend", () => this.#down(), { signal });
    this.addEventListener("drop", (event) => this.#drop(event), { signal });
  }

  disconnectedCallback() {
    this.ending?.abort();
    this.leave?.();
    clearTimeout(this.timer);
  }

  #soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#reload(), SOON_MS);
  }

  /** Look again, unless a card is in the hand. */
  #reload() {
    if (this.lifted) return this.#soon();
    const { pathname } = location;
    if (this.frame.getAttribute("src") === pathname) this.frame.reload();
    else this.frame.setAttribute("src", pathname);
  }

  /** The card that has the focus when the new board comes has it there in the same moment: no key is lost. */
  #keepFocus(detail) {
    const { render } = detail;
    detail.render = (current, next) => {
      const held = document.activeElement?.closest?.("[data-task]")?.id;
      render(current, next);
      const card = held && document.getElementById(held);
      if (card && !card.contains(document.activeElement)) card.focus();
    };
  }

  #chosen(event) {
    const card = event.target.closest("[data-task]");
    if (card && event.target.name === "status") this.#move(card, event.target.value);
  }

  #pressed(event) {
    const card = event.target.closest("[data-task]");
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!card || event.target !== card) return;
    if (event.key === "Enter") card.querySelector("a.title").click();
    if (!event.altKey || !step) return;
    event.preventDefault();
    const columns = [...this.querySelectorAll(".column")];
    const to = columns[columns.indexOf(card.closest(".column")) + step];
    if (to) this.#move(card, to.dataset.status);
  }

  #lift(event) {
    this.lifted = event.target.closest?.("[data-task]");
    if (!this.lifted) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", this.lifted.dataset.name);
    this.lifted.setAttribute("data-lifted", "");
  }

  #over(event) {
    const column = event.target.closest?.(".column");
    if (!this.lifted || !column) return;
    event.preventDefault();
    for (const other of this.querySelectorAll("[data-target]")) if (other !== column) other.removeAttribute("data-target");
    column.setAttribute("data-target", "");
  }

  #down() {
    this.lifted?.removeAttribute("data-lifted");
    for (const column of this.querySelectorAll("[data-target]")) column.removeAttribute("data-target");
    this.lifted = null;
  }

  #drop(event) {
    const column = event.target.closest?.(".column");
    const card = this.lifted;
    if (!card || !column) return;
    event.preventDefault();
    this.#down();
    this.#move(card, column.dataset.status);
  }

  /** Move a card: there at once, and back with the reason where that is refused. */
  async #move({ id, dataset: { task, name, status: before } }, status) {
    if (status === before) return;
    const reason = status === "blocked" ? await this.#why() : undefined;
    if (reason === null) return this.#show(id, before);
    this.#show(id, status);
    try {
      await this.#send(task, { status, ...(reason ? { blocked_reason: reason } : {}) });
      this.#say(`${name}: ${this.#column(status).querySelector("h2").firstChild.textContent.trim()}`);
      this.#soon();
    } catch (error) {
      this.#show(id, before);
      this.#soon(); // somebody else may have moved it
      toastError(error);
    }
  }

  /** One change after the other, in the order in which they were made. */
  #send(task, change) {
    const send = () => call("PATCH", `/tasks/${task}`, change);
    this.sending = Promise.resolve(this.sending).then(send, send);
    return this.sending;
  }

  #column(status) {
    return this.querySelector(`.column[data-status="${status}"]`);
  }

  /** Put a card into the column of a status: as both are now, the board may have come anew meanwhile. */
  #show(id, status) {
    const card = document.getElementById(id);
    if (!card) return;
    const column = this.#column(status);
    const focused = card === document.activeElement;
    if (card.parentElement !== column.querySelector(".cards")) column.querySelector(".cards").prepend(card);
    card.dataset.status = status;
    card.querySelector("select").value = status;
    if (focused) card.focus();
  }

  #say(text) {
    this.querySelector("[data-said]").textContent = text;
  }

  /** Why a task cannot go on; null when whoever was asked thought better of it. */
  #why() {
    const dialog = this.querySelector("[data-why]");
    const field = dialog.querySelector("input");
    field.value = "";
    dialog.returnValue = "";
    dialog.showModal();
    return new Promise((resolve) => {
      dialog.addEventListener("close", () => resolve(dialog.returnValue === "said" ? field.value.trim() || null : null), {
        once: true,
      });
    });
  }
}

customElements.define("crew-board", Board);
