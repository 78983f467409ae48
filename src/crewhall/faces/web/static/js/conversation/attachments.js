// What is attached to the message that is being written: chosen, dropped or pasted; each with its progress.

import { call } from "../api.js";
import { sizeInWords } from "../live/attachments.js";
import { toast } from "../shell/toasts.js";
import { Upload } from "./upload.js";

const AT_ONCE = 3;
const MOST = 20;

export class Attachments {
  #entries = new Set();
  #running = 0;
  #whenSettled = null;

  /** `composer` holds `[data-attach]`, the file input and the list; `onChange` is told whenever it holds others. */
  constructor(composer, onChange) {
    this.composer = composer;
    this.onChange = onChange;
    this.input = composer.querySelector("input[type='file']");
    this.list = composer.querySelector(".uploads");
    this.model = composer.querySelector("template[data-upload]");
    this.place = composer.closest(".stream, .thread") ?? composer;
    composer.querySelector("[data-attach]").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    composer.querySelector("textarea").addEventListener("paste", (event) => this.#onPaste(event));
    this.ending = new AbortController();
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.place.addEventListener(type, (event) => this.#onDrag(event), { signal: this.ending.signal });
    }
  }

  /** The page is left: what is under way ends. */
  stop() {
    this.ending.abort();
    for (const entry of this.#entries) if (!entry.file) entry.upload.cancel();
  }

  get any() {
    return this.#entries.size > 0;
  }

  /** Whether some are still on their way. */
  get busy() {
    return [...this.#entries].some((entry) => !entry.file && !entry.failed);
  }

  /** Whether some failed: they are tried again or taken away before the message goes. */
  get failed() {
    return [...this.#entries].some((entry) => entry.failed);
  }

  /** Say which failed, since nothing is sent while it is there, and lead to its ×. */
  pointAtFailed() {
    const { row } = [...this.#entries].find((entry) => entry.failed);
    toast(`Take ${row.querySelector(".name").textContent} away first, then it is sent.`, { tone: "danger" });
    row.querySelector("[data-remove]").focus();
  }

  /** Call back once, when all have arrived. */
  whenSettled(act) {
    this.#whenSettled = act;
  }

  /** Hand the files over to a message. */
  take() {
    const files = [...this.#entries].map(({ file }) => {
      const { id, name, media_type, size, width, height } = file;
      return { id, name, media_type, size, ...(width ? { width, height } : {}) };
    });
    this.#entries.clear();
    this.list.replaceChildren();
    this.#changed();
    return files;
  }

  add(files) {
    for (const file of files) {
      if (this.#entries.size >= MOST) {
        toast(`A message takes ${MOST} files. Send these, then the others.`);
        return;
      }
      this.#begin(file);
    }
    this.composer.querySelector("textarea").focus();
  }

  #begin(file) {
    const row = this.model.content.firstElementChild.cloneNode(true);
    const bar = row.querySelector("progress");
    const entry = { row, bar, file: null, failed: false, upload: null };
    entry.upload = new Upload(this.composer.dataset.conversation, file, (share) => (bar.value = share));
    row.querySelector(".name").textContent = file.name;
    row.querySelector(".size").textContent = sizeInWords(file.size);
    bar.setAttribute("aria-label", `Sending ${file.name}`);
    row.querySelector("[data-remove]").setAttribute("aria-label", `Remove ${file.name}`);
    row.querySelector("[data-remove]").addEventListener("click", () => this.#remove(entry));
    row.querySelector("[data-again]").addEventListener("click", () => this.#again(entry));
    this.#entries.add(entry);
    this.list.append(row);
    this.#changed();
    this.#next();
  }

  #next() {
    for (const entry of this.#entries) {
      if (this.#running >= AT_ONCE) return;
      if (!entry.file && !entry.failed && !entry.begun) this.#run(entry);
    }
  }

  async #run(entry) {
    entry.begun = true;
    this.#running += 1;
    try {
      this.#arrived(entry, await entry.upload.send());
    } catch (error) {
      this.#failed(entry, error);
    }
    this.#running -= 1;
    this.#changed();
    this.#next();
    if (!this.busy && this.#whenSettled) {
      const act = this.#whenSettled;
      this.#whenSettled = null;
      if (!this.failed) act();
    }
  }

  #arrived(entry, file) {
    if (!this.#entries.has(entry)) return;
    entry.file = file;
    entry.row.dataset.state = "there";
    entry.bar.hidden = true;
    if (!file.width) return;
    const picture = document.createElement("img");
    picture.src = `/api/v1/files/${file.id}/thumbnail`;
    picture.alt = "";
    entry.row.querySelector(".icon").replaceWith(picture);
  }

  #failed(entry, error) {
    if (!this.#entries.has(entry)) return;
    entry.failed = true;
    entry.row.dataset.state = "failed";
    entry.bar.hidden = true;
    const passing = error instanceof TypeError || error.status >= 500;
    entry.row.querySelector(".why").textContent = error.message;
    entry.row.querySelector("[data-again]").hidden = !passing;
  }

  #again(entry) {
    entry.failed = entry.begun = false;
    entry.row.dataset.state = "";
    entry.bar.hidden = false;
    entry.row.querySelector(".why").textContent = "";
    entry.row.querySelector("[data-again]").hidden = true;
    this.#changed();
    this.#next();
  }

  #remove(entry) {
    this.#entries.delete(entry);
    entry.row.remove();
    if (entry.file) call("DELETE", `/files/${entry.file.id}`).catch(() => {});
    else entry.upload.cancel();
    this.composer.querySelector("textarea").focus();
    this.#changed();
  }

  #changed() {
    this.list.hidden = !this.any;
    this.onChange();
  }

  #onPaste(event) {
    const { files } = event.clipboardData;
    if (!files.length) return;
    event.preventDefault();
    this.add(files);
  }

  #onDrag(event) {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "dragleave" && this.place.contains(event.relatedTarget)) return;
    this.place.toggleAttribute("data-dropping", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") this.add(event.dataTransfer.files);
  }
}
