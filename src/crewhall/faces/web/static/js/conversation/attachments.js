// What is attached to the message that is being written: chosen, dropped or pasted; each with its progress.

import { call } from "../api.js";
import { smallPicture } from "../live/attachments.js";
import { toast } from "../shell/toasts.js";
import { takeFiles } from "./dropping.js";
import { Unsent } from "./unsent.js";
import { Upload } from "./upload.js";
import { rowOf } from "./upload_row.js";

const AT_ONCE = 3;
const MOST = 20;

export class Attachments {
  #entries = new Set();
  #running = 0;
  #whenSettled = null;
  #taken; // ids that a message has: until it is acknowledged they hang on the draft all the same

  /** `composer` holds `[data-attach]`, the file input and the list; `onChange` is told whenever it holds others, and whether it holds any. */
  constructor(composer, onChange) {
    this.composer = composer;
    this.onChange = onChange;
    this.input = composer.querySelector("input[type='file']");
    this.list = composer.querySelector(".uploads");
    this.model = composer.querySelector("template[data-upload]");
    composer.querySelector("[data-attach]").addEventListener("click", () => this.input.click());
    this.input.addEventListener("change", () => {
      this.add(this.input.files);
      this.input.value = "";
    });
    this.ending = new AbortController();
    const text = composer.querySelector("textarea");
    takeFiles(composer.closest(".stream, .thread") ?? composer, text, (files) => this.add(files), this.ending.signal);
    const unsent = new Unsent(document.body.dataset.viewer, composer.dataset.conversation).list();
    this.#taken = new Set(unsent.flatMap(({ metadata }) => metadata?.files ?? []).map(({ id }) => id));
    this.hang(JSON.parse(composer.dataset.files));
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
    const said = ({ id, name, media_type, size, width, height }) => ({ id, name, media_type, size, ...(width ? { width, height } : {}) });
    const files = [...this.#entries].map(({ file }) => said(file));
    this.gone(files);
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

  /** Show what hangs on the draft: brought by an earlier visit, or on another device. */
  hang(files) {
    const holds = ({ id }) => this.#taken.has(id) || [...this.#entries].some((entry) => entry.file?.id === id);
    for (const entry of this.#entries) if (entry.hangs && !files.some(({ id }) => id === entry.file.id)) this.#forget(entry);
    for (const file of files) if (!holds(file)) this.#arrived(Object.assign(this.#enter(file), { hangs: true }), file);
    this.#changed();
  }

  /** A message has these by now. */
  gone(files) {
    for (const { id } of files) this.#taken.add(id);
    for (const entry of this.#entries) if (this.#taken.has(entry.file?.id)) this.#forget(entry);
    this.#changed();
  }

  #begin(file) {
    const entry = this.#enter(file);
    entry.upload = new Upload(this.composer.dataset.conversation, file, (share) => (entry.bar.value = share));
    this.#changed();
    this.#next();
  }

  #enter(file) {
    const row = rowOf(this.model, file);
    const entry = { row, bar: row.querySelector("progress"), file: null, failed: false, upload: null };
    row.querySelector("[data-remove]").addEventListener("click", () => this.#remove(entry));
    row.querySelector("[data-again]").addEventListener("click", () => this.#again(entry));
    this.#entries.add(entry);
    this.list.append(row);
    return entry;
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
      if (entry.file) await this.#keep(entry);
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
    if (file.width) entry.row.querySelector(".icon").replaceWith(smallPicture(file));
  }

  #failed(entry, error) {
    if (!this.#entries.has(entry)) return;
    entry.failed = true;
    entry.row.dataset.state = "failed";
    entry.bar.hidden = true;
    entry.row.querySelector(".why").textContent = error.message;
    entry.row.querySelector("[data-again]").hidden = !(error instanceof TypeError || error.status >= 500);
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

  /** Let it hang on the draft, so that it is there when one comes back. It can be sent without. */
  async #keep(entry) {
    const { conversation, parent } = this.composer.dataset;
    const path = `/conversations/${conversation}/draft/files/${entry.file.id}${parent ? `?parent=${parent}` : ""}`;
    entry.hangs = await call("PUT", path).then(() => true, () => false);
  }

  #forget(entry) {
    this.#entries.delete(entry);
    entry.row.remove();
  }

  #remove(entry) {
    this.#forget(entry);
    if (entry.file) call("DELETE", `/files/${entry.file.id}`).catch(() => {});
    else entry.upload.cancel();
    this.composer.querySelector("textarea").focus();
    this.#changed();
  }

  #changed() {
    this.list.hidden = !this.any;
    this.onChange(this.any);
  }
}
