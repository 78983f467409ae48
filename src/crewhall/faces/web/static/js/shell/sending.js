// A form that brings a file to the API (`data-to`): sent as it is, with the share that has gone; then on to what it has
// become (`data-then`, with its id).

import * as Turbo from "../../vendor/turbo.js";

class Sending extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.progress = this.querySelector("progress");
    this.problem = this.querySelector("[data-problem]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(this.form.querySelector('[type=file]').files[0]);
    });
  }

  disconnectedCallback() {
    this.request?.abort();
  }

  #send(file) {
    const request = (this.request = new XMLHttpRequest());
    request.open("POST", `/api/v1${this.dataset.to}?name=${encodeURIComponent(file.name.slice(0, 255))}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.setRequestHeader("accept", "application/json");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      this.progress.value = total ? loaded / total : 0;
    });
    request.addEventListener("load", () => this.#answered(request));
    request.addEventListener("error", () => this.#refuse("The connection broke off. Try again."));
    this.#busy(true);
    request.send(file);
  }

  #answered(request) {
    const answer = parsed(request.responseText);
    if (request.status >= 300) this.#refuse(answer.detail ?? "Something went wrong. Try again.");
    else Turbo.visit(this.dataset.then + answer.id);
  }

  #refuse(sentence) {
    this.#busy(false);
    this.problem.textContent = sentence;
    this.problem.hidden = false;
  }

  #busy(busy) {
    this.problem.hidden = true;
    this.progress.hidden = !busy;
    this.form.querySelector("button").disabled = busy;
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
