// The box in which an agent is tried out: asks with what stands in the page's forms, shows the answer while it comes.

import { stream } from "../api.js";

class Try extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    this.stopper = this.querySelector("[data-stop]");
    this.answer = this.querySelector("[data-answer]");
    this.problem = this.querySelector("[data-problem]");
    this.took = this.querySelector("[data-took]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#ask();
    });
    this.stopper.addEventListener("click", () => this.asking?.abort());
  }

  disconnectedCallback() {
    this.asking?.abort();
  }

  async #ask() {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.#show("");
    this.took.textContent = "Thinking …";
    this.stopper.hidden = false;
    try {
      await stream(`/agents/${this.dataset.agent}/try`, this.#asked(), (event) => this.#onEvent(event), asking.signal);
    } catch (error) {
      if (this.asking !== asking) return;
      if (asking.signal.aborted) this.#stop();
      else this.#refuse(error.message);
    } finally {
      if (this.asking === asking) this.stopper.hidden = true;
    }
  }

  /** The prompt, and the forms of the page as they stand. */
  #asked() {
    const value = (name) => document.querySelector(`.page [name="${name}"], main [name="${name}"]`)?.value.trim() ?? "";
    const config = Object.fromEntries(["provider", "model"].map((name) => [name, value(name)]).filter(([, one]) => one));
    for (const name of ["temperature", "max_tokens"]) if (value(name)) config[name] = Number(value(name));
    const prompt = this.form.querySelector("textarea").value;
    return { prompt, instructions: value("instructions") || null, model_config: config };
  }

  #onEvent(event) {
    if (event.type === "words") {
      this.answer.hidden = false;
      this.answer.removeAttribute("data-done");
      this.answer.textContent = (event.request === null || event.request === undefined ? this.answer.textContent : "") + event.text;
    } else if (event.type === "done") {
      this.#show(event.text ? "" : "It had nothing to say.");
      if (event.text) this.#render(event.html);
      const cost = event.cost === null ? "" : ` · ${Number(event.cost)} ${event.currency}`;
      this.took.textContent = `${event.model} · ${event.seconds.toFixed(1)} s · ${event.input_tokens} tokens read, ${event.output_tokens} written${cost}`;
    } else if (event.type === "failed") {
      this.#refuse(event.detail);
    }
  }

  #show(text) {
    this.problem.hidden = true;
    this.answer.hidden = !text;
    this.answer.setAttribute("data-done", "");
    this.answer.classList.remove("prose");
    this.answer.textContent = text;
  }

  /** The whole answer as a message shows it: HTML that the server has made safe. */
  #render(html) {
    this.answer.hidden = false;
    this.answer.classList.add("prose");
    this.answer.innerHTML = html;
  }

  #stop() {
    this.took.textContent = "Stopped.";
    this.answer.setAttribute("data-done", "");
  }

  #refuse(sentence) {
    this.took.textContent = "";
    this.answer.setAttribute("data-done", "");
    this.problem.hidden = false;
    this.problem.textContent = sentence;
  }
}

customElements.define("crew-try", Try);
