// A form that brings files to the API (`data-to`): sent as they are, one after another, with the share that has gone; then on
// to what a file has become (`data-then`, with its id), or where several are (`data-among`). With `data-drops` files may be
// dropped on it, too.

import * as Turbo from "../../vendor/turbo.js";
import { takeDrops } from "./drops.js";

class Sending extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.progress = this.querySelector("progress");
    this.problem = this.querySelector("[data-problem]");
    this.ending = new AbortController();
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendAll([...this.form.querySelector("[type=file]").files]);
    });
    if ("drops" in this.dataset) takeDrops(this, (files) => this.#sendAll([...files]), this.ending.signal);
  }

  disconnectedCallback() {
    this.ending.abort();
    this.request?.abort();
  }

  async #sendAll(files) {
    if (this.isBusy || !files.length) return;
    this.#busy(true);
    const made = [];
    const refused = [];
    for (const [at, file] of files.entries()) {
      try {
        made.push(await this.#send(file, (share) => (this.progress.value = (at + share) / files.length)));
      } catch ({ message }) {
        refused.push(files.length > 1 ? `${file.name}: ${message}` : message);
      }
      if (!this.isConnected) return;
    }
    if (refused.length) this.#refuse(refused.join(" ") + (made.length ? " What else you gave is there." : ""));
    else Turbo.visit(made.length > 1 ? this.dataset.among : this.dataset.then + made[0].id);
  }

  /** Send one file; gives what it has become. */
  #send(file, onShare) {
    return new Promise((resolve, reject) => {
      const request = (this.request = new XMLHttpRequest());
      request.open("POST", `/api/v1${this.dataset.to}?name=${encodeURIComponent(file.name.slice(0, 255))}`);
      request.setRequestHeader("content-type", "application/octet-stream");
      request.setRequestHeader("accept", "application/json");
      request.upload.addEventListener("progress", ({ loaded, total }) => onShare(total ? loaded / total : 0));
      request.addEventListener("load", () => {
        const answer = parsed(request.responseText);
        if (request.status < 300) resolve(answer);
        else reject(new Error(answer.detail ?? "Something went wrong. Try again."));
      });
      request.addEventListener("error", () => reject(new Error("The connection broke off. Try again.")));
      request.addEventListener("abort", () => reject(new Error("It was broken off.")));
      request.send(file);
    });
  }

  #refuse(sentence) {
    this.#busy(false);
    this.problem.textContent = sentence;
    this.problem.hidden = false;
  }

  #busy(busy) {
    this.isBusy = busy;
    this.problem.hidden = true;
    this.progress.hidden = !busy;
    const button = this.form.querySelector("button");
    if (button) button.disabled = busy;
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

customElements.define("crew-sending", Sending);
