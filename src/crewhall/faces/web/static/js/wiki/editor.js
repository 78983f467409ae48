// The editor of wiki entries: how the text will look, beside it, as it is typed; and what was typed kept in this browser
// until it is sent, so that a page that is left takes nothing along.

import { Kept } from "../conversation/kept.js";

const PAUSE_MS = 250;
const FIELDS = ["title", "content", "tags", "note"];

class WikiEditor extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.shown = this.querySelector("[data-preview]");
    this.kept = new Kept(`wiki:${this.dataset.place}`);
    this.ending = new AbortController();
    const { signal } = this.ending;
    this.form.addEventListener("input", () => this.#typed(), { signal });
    this.form.addEventListener("submit", () => this.kept.forget(), { signal });
    this.querySelector("[data-forget]").addEventListener("click", () => this.#forget(), { signal });
    for (const tab of this.querySelectorAll("[data-side]")) {
      tab.addEventListener("click", () => this.#show(tab.dataset.side), { signal });
    }
    if (!this.hasAttribute("data-refused")) this.#restore();
  }

  disconnectedCallback() {
    this.ending?.abort();
    clearTimeout(this.timer);
  }

  #words() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.form.elements[name].value]));
  }

  #typed() {
    this.kept.keep(this.#words(), 0);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#preview(), PAUSE_MS);
  }

  /** What was typed here and never sent, unless it is what stands here anyway. */
  #restore() {
    const found = this.kept.find();
    if (!found || FIELDS.every((name) => found[name] === this.form.elements[name].value)) return;
    this.before = this.#words();
    this.#write(found);
    this.kept.keep(this.#words(), 0);
    this.querySelector("[data-restored]").hidden = false;
  }

  #forget() {
    this.#write(this.before);
    this.kept.forget();
    this.querySelector("[data-restored]").hidden = true;
  }

  #write(words) {
    for (const name of FIELDS) this.form.elements[name].value = words[name];
    this.#preview();
  }

  async #preview() {
    const asked = (this.asked = Symbol("preview"));
    const body = new URLSearchParams({ content: this.form.elements.content.value });
    const { signal } = this.ending;
    const answer = await fetch("/wiki/preview", { method: "POST", body, credentials: "same-origin", signal }).catch(() => null);
    if (!answer?.ok) return;
    const html = await answer.text(); // made safe by the server, as on the entry's page
    if (asked === this.asked) this.shown.innerHTML = html;
  }

  #show(side) {
    this.dataset.shows = side;
    for (const tab of this.querySelectorAll("[data-side]")) tab.setAttribute("aria-pressed", String(tab.dataset.side === side));
  }
}

customElements.define("crew-wiki-editor", WikiEditor);
