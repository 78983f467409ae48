// "Ada is writing…": shown for a few seconds after each sign of it.

const SHOWN_MS = 6000;

export class Typing {
  #writers = new Map();

  constructor(element, viewer) {
    this.element = element;
    this.viewer = viewer;
  }

  seen(actor) {
    if (actor.id === this.viewer) return;
    clearTimeout(this.#writers.get(actor.id)?.timer);
    this.#writers.set(actor.id, { name: actor.name, timer: setTimeout(() => this.gone(actor.id), SHOWN_MS) });
    this.#show();
  }

  gone(id) {
    clearTimeout(this.#writers.get(id)?.timer);
    if (this.#writers.delete(id)) this.#show();
  }

  #show() {
    if (!this.element) return;
    const names = [...this.#writers.values()].map((writer) => writer.name);
    const all = names.length > 2 ? "Several are writing…" : `${names.join(" and ")} ${names.length === 1 ? "is" : "are"} writing…`;
    this.element.textContent = names.length ? all : "";
  }
}
