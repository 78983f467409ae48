// Where one writes. Enter sends; on a touch screen Enter starts a line, as people expect there. Drafts are kept.

import { live } from "../live/socket.js";
import { Attachments } from "./attachments.js";
import { Mentions } from "./mentions.js";
import { Title } from "./title.js";
import { Wakes } from "./wakes.js";

const TYPING_MS = 3000;
const touch = window.matchMedia("(pointer: coarse)");

class Composer extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form[action$='/messages']");
    this.text = this.querySelector("textarea");
    if (!this.text) return;
    this.draftKey = `crewhall:draft:${this.dataset.conversation}:${this.dataset.parent}`;
    this.text.value = sessionStorage.getItem(this.draftKey) ?? this.text.value;
    this.title_ = new Title(this.form, this.text, { onChange: () => this.#keepTitle() });
    this.title_.value = sessionStorage.getItem(`${this.draftKey}:title`) ?? "";
    this.mentions = new Mentions(this.text, this.querySelector(".mention-list"));
    this.wakes = new Wakes(this.querySelector("[data-wakes]"), this.dataset.conversation, this.dataset.parent);
    this.attachments = new Attachments(this, () => (this.text.required = !this.attachments?.any));
    this.toldTyping = 0;
    this.form.addEventListener("submit", (event) => this.#onSubmit(event));
    this.text.addEventListener("keydown", (event) => this.#onKey(event));
    this.text.addEventListener("input", () => this.#onInput());
    this.#grow();
    this.wakes.look(this.text.value);
    if (!touch.matches && !this.dataset.parent) this.text.focus({ preventScroll: true });
  }

  disconnectedCallback() {
    this.wakes?.look("");
    this.attachments?.stop();
  }

  #onKey(event) {
    if (event.isComposing || this.mentions.onKey(event)) return;
    if (event.key === "Enter" && !event.shiftKey && !touch.matches) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "ArrowUp" && !this.text.value) {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent("crew:edit-last", { bubbles: true }));
    }
  }

  #onSubmit(event) {
    event.preventDefault();
    const content = this.text.value.trim();
    if ((!content && !this.attachments.any) || this.attachments.failed) return;
    if (this.attachments.busy) {
      this.attachments.whenSettled(() => this.form.requestSubmit());
      return;
    }
    const files = this.attachments.take();
    const { kind } = this.form.elements;
    const detail = { content, files, title: this.title_.value, parentId: this.dataset.parent, kind: kind.value };
    kind.value = "";
    this.title_.value = "";
    this.#keepTitle();
    this.text.value = "";
    this.toldTyping = 0;
    sessionStorage.removeItem(this.draftKey);
    this.mentions.close();
    this.wakes.look("");
    this.#grow();
    this.dispatchEvent(new CustomEvent("crew:send", { bubbles: true, detail }));
    this.text.focus();
  }

  #onInput() {
    this.#grow();
    this.wakes.look(this.text.value);
    if (this.text.value) sessionStorage.setItem(this.draftKey, this.text.value);
    else sessionStorage.removeItem(this.draftKey);
    if (!this.text.value || Date.now() - this.toldTyping < TYPING_MS) return;
    this.toldTyping = Date.now();
    live.whisper({ type: "typing", conversation: this.dataset.conversation });
  }

  #keepTitle() {
    if (this.title_.value) sessionStorage.setItem(`${this.draftKey}:title`, this.title_.value);
    else sessionStorage.removeItem(`${this.draftKey}:title`);
  }

  /** Where the browser cannot size the field by its content, we do. */
  #grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }
}

customElements.define("crew-composer", Composer);
