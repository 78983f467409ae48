// Where one writes. Enter sends; on a touch screen Enter starts a line, as people expect there. What else belongs to
// writing has a module each: drafts, completion, formatting, later, undo; this one puts them together.

import { live } from "../live/socket.js";
import { toast } from "../shell/toasts.js";
import { Attachments } from "./attachments.js";
import { Completion } from "./completion.js";
import { Draft } from "./draft.js";
import { EmojiNames, withEmoji } from "./emoji_names.js";
import { Formatting } from "./formatting.js";
import { LaterMenu } from "./later.js";
import { Mentions } from "./mentions.js";
import { Slash } from "./slash.js";
import { replaceText } from "./textarea.js";
import { Title } from "./title.js";
import { Undo } from "./undo.js";
import { Wakes } from "./wakes.js";

const TYPING_MS = 3000;
const touch = window.matchMedia("(pointer: coarse)");

/** Without blank lines around it; the first line keeps its indentation, which may be code. */
const trimmed = (text) => text.replace(/^(?:[ \t]*\n)+/, "").trimEnd();

class Composer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form[action$='/messages']");
    this.text = this.querySelector("textarea");
    if (!this.text) return;
    const { conversation, parent } = this.dataset;
    this.title_ = new Title(this.form, this.text, { onChange: () => this.draft.changed() });
    this.title_.value = this.title_.value; // shown where a draft has one
    this.slash = new Slash(this.text, conversation, parent, (line) => this.#carryOut(line));
    const sources = [new Mentions(this.text), new EmojiNames(this.text), this.slash];
    this.completion = new Completion(this.text, this.querySelector(".completion"), sources);
    this.formatting = new Formatting(this.text);
    this.wakes = new Wakes(this.querySelector("[data-wakes]"), conversation, parent);
    this.undo = new Undo(this.querySelector("[data-undo]"), (sent) => this.#takeBack(sent));
    this.later = new LaterMenu(this.querySelector("[data-later-menu]"), {
      conversation,
      parent,
      read: () => this.#forLater(),
      done: () => this.#clear(),
    });
    this.draft = new Draft({
      conversation,
      parent,
      version: Number(this.dataset.draft),
      read: () => ({ ...this.#said(), content: this.text.value }),
      write: (words) => this.#write(words),
      hang: (files) => this.attachments.hang(files),
      notice: this.querySelector("[data-conflict]"),
    });
    this.attachments = new Attachments(this, (any) => (this.text.required = !any));
    this.toldTyping = 0;
    this.form.addEventListener("submit", (event) => this.#onSubmit(event));
    this.addEventListener("crew:unsent", ({ detail }) => this.undo.withdraw(detail.clientId));
    this.addEventListener("crew:said", ({ detail }) => this.#saidElsewhere(detail));
    this.form.elements.kind.addEventListener("change", () => this.draft.changed());
    this.text.addEventListener("keydown", (event) => this.#onKey(event));
    this.text.addEventListener("input", () => this.#onInput());
    this.querySelector("[data-pick-emoji]").addEventListener("click", (event) => this.#pickEmoji(event.currentTarget));
    this.#grow();
    this.wakes.look(this.text.value);
    if (!touch.matches && !parent) {
      this.text.focus({ preventScroll: true });
      this.text.setSelectionRange(this.text.value.length, this.text.value.length);
    }
  }

  disconnectedCallback() {
    this.wakes?.look("");
    this.attachments?.stop();
    this.draft?.stop();
  }

  /** Add to what is written, on a line of its own, and write on behind it. */
  addText(text) {
    const { value } = this.text;
    replaceText(this.text, (value && !value.endsWith("\n") ? "\n" : "") + text, value.length, value.length);
    this.text.scrollTop = this.text.scrollHeight;
  }

  #onKey(event) {
    if (event.isComposing || this.completion.onKey(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (this.formatting.onKey(event) || (!this.text.value && this.undo.onKey(event))) return;
    else if (event.key === "Enter" && !event.shiftKey && !touch.matches) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "ArrowUp" && !event.altKey && !this.text.value) {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("crew:edit-last", { bubbles: true }));
    }
  }

  async #onSubmit(event) {
    event.preventDefault();
    if ((!trimmed(this.text.value) && !this.attachments.any) || this.isBusy) return;
    if (this.attachments.failed) return this.attachments.pointAtFailed();
    if (this.attachments.busy) {
      this.attachments.whenSettled(() => this.form.requestSubmit());
      return;
    }
    this.isBusy = true;
    try {
      if (this.text.value.startsWith("/") && (await this.#carryOut(trimmed(this.text.value)))) return;
      const written = this.text.value;
      const shown = await withEmoji(written);
      if (this.text.value === written) this.text.value = shown; // else one has written on: nothing of it is lost
    } finally {
      this.isBusy = false;
    }
    this.#send();
  }

  #send() {
    const files = this.attachments.take();
    const detail = { ...this.#said(), files, parentId: this.dataset.parent, clientId: crypto.randomUUID() };
    if (!detail.content && !files.length) return;
    this.#clear();
    this.dispatchEvent(new CustomEvent("crew:send", { bubbles: true, detail }));
    if (!files.length) this.undo.offer(detail); // with a message its files go
    this.text.focus();
  }

  #saidElsewhere({ content, title, metadata }) {
    this.attachments.gone(metadata.files ?? []);
    const isSame = (words) => words.content === content && words.title === (title ?? "");
    this.draft.said(() => isSame(this.#said()));
  }

  /** What is to be posted later; files go with what is sent now. */
  #forLater() {
    if (this.attachments.any) toast("Files cannot wait: send them now, or take them away.");
    return !this.attachments.any && trimmed(this.text.value) ? this.#said() : null;
  }

  /** Carry a command out; true when there is nothing left to send. */
  async #carryOut(line) {
    const done = await this.slash.carryOut(line);
    if (done) this.#clear();
    return done !== false;
  }

  #takeBack(sent) {
    this.dispatchEvent(new CustomEvent("crew:take-back", { bubbles: true, detail: sent }));
    const { value } = this.text;
    this.#write({ ...sent, content: value.trim() ? `${sent.content}\n\n${value}` : sent.content });
    this.draft.changed();
    this.text.focus();
  }

  #said() {
    return { content: trimmed(this.text.value), title: this.title_.value, kind: this.form.elements.kind.value };
  }

  #write({ content, title, kind }) {
    this.text.value = content;
    this.title_.value = title ?? "";
    this.form.elements.kind.value = kind ?? "";
    this.#grow();
    this.wakes.look(content);
  }

  #clear() {
    this.#write({ content: "" });
    this.toldTyping = 0;
    this.completion.close();
    this.draft.sent();
  }

  #onInput() {
    this.#grow();
    this.wakes.look(this.text.value);
    this.draft.changed();
    if (this.text.value) this.undo.close();
    if (!this.text.value || Date.now() - this.toldTyping < TYPING_MS) return;
    this.toldTyping = Date.now();
    live.whisper({ type: "typing", conversation: this.dataset.conversation });
  }

  #pickEmoji(opener) {
    const { selectionStart: start, selectionEnd: end } = this.text;
    const insert = (emoji) => replaceText(this.text, emoji, start, end);
    this.dispatchEvent(new CustomEvent("crew:pick-emoji", { bubbles: true, detail: { opener, insert } }));
  }

  /** Where the browser cannot size the field by its content, we do. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }
}

customElements.define("crew-composer", Composer);
