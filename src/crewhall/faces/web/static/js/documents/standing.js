// How far the file of a message, of a list or of a page is in being made searchable. Says the same as
// faces/plumbing/standings.py. What is new comes as frames of the conversation; what stands in none is asked for while it is read.

import * as Turbo from "../../vendor/turbo.js";
import { call } from "../api.js";
import { live } from "../live/socket.js";

const UNDER_WAY = new Set(["queued", "extracting", "embedding"]);
const MOST = 100;
const SOON_MS = 50;
const LOOK_MS = 2000;
const FROM_NOW = Number.MAX_SAFE_INTEGER; // no record has this seq: only what is live is wanted

/** Say how far a document is. */
export function standingWords({ status, done, total, unit }) {
  const what = unit ?? "part";
  if (status === "queued") return "Waiting to be read";
  if (status === "extracting") {
    if (total) return `Reading ${what} ${done} of ${total}`;
    return done ? `Reading ${what} ${done}` : "Being read";
  }
  if (status === "embedding") return total ? `Read: ${done} of ${total} passages indexed` : "Read, being indexed";
  return status === "failed" ? "Not searchable" : "Searchable";
}

const unknown = new Set();
let asking = null;

/** Files whose documents nobody has named yet: asked for together. */
function ask() {
  asking ??= setTimeout(async () => {
    asking = null;
    const elements = [...unknown].slice(0, MOST);
    if (!elements.length) return;
    const files = [...new Set(elements.map((element) => element.dataset.file))];
    try {
      const query = files.map((id) => `file=${id}`).join("&");
      const { items } = await call("GET", `/documents?limit=${MOST}&${query}`);
      for (const element of elements) {
        const found = items.find((item) => item.origins.some((origin) => origin.file_id === element.dataset.file));
        if (found) element.learn(found);
      }
    } catch {
      // The server is away, or nobody is signed in: the next frame asks again.
    }
  }, SOON_MS);
}

class Standing extends HTMLElement {
  connectedCallback() {
    this.ending = new AbortController();
    const { signal } = this.ending;
    live.addEventListener("document", (event) => this.#hear(event.detail), { signal });
    const { document, conversation, status } = this.dataset;
    if (!document) {
      unknown.add(this);
      ask();
    } else if (conversation && UNDER_WAY.has(status)) this.leave = live.follow(conversation, FROM_NOW, () => {});
    else if (this.hasAttribute("data-opens")) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  disconnectedCallback() {
    this.ending.abort();
    unknown.delete(this);
    clearTimeout(this.timer);
    this.leave?.();
  }

  get isUnderWay() {
    return UNDER_WAY.has(this.dataset.status);
  }

  /** Take over what the server says of the file's document. */
  learn(found) {
    unknown.delete(this);
    this.dataset.document = found.id;
    this.#show(found);
  }

  /** What stands in no conversation has no frames: it is asked for while somebody looks. */
  async #look() {
    const found = document.hidden ? null : await call("GET", `/documents/${this.dataset.document}`).catch(() => null);
    if (!this.isConnected) return;
    if (found) this.#show(found);
    if (this.isUnderWay) this.timer = setTimeout(() => this.#look(), LOOK_MS);
  }

  #hear(frame) {
    if (frame.document === this.dataset.document) this.#show(frame);
    else if (unknown.has(this)) ask();
  }

  #show(found) {
    const over = !UNDER_WAY.has(found.status);
    if (this.hasAttribute("data-opens") && over && this.dataset.status !== found.status) {
      Turbo.visit(location.href, { action: "replace" }); // there is something to read now, or a reason why not
      return;
    }
    this.dataset.status = found.status;
    const link = this.querySelector("a") ?? this.appendChild(document.createElement("a"));
    link.href = `/documents/${this.dataset.document}`;
    link.textContent = standingWords(found);
    link.title = found.failure ?? "";
    const progress = this.parentElement.querySelector(":scope > progress");
    if (progress && found.total) [progress.max, progress.value] = [found.total, found.done];
  }
}

customElements.define("crew-standing", Standing);
