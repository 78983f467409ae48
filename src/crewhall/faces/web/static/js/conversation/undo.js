// A few seconds in which what was sent can be taken back into the composer. It has been posted at once all the same.

const OFFERED_MS = 10000;

export class Undo {
  #sent = null;
  #timer = null;

  /** `place` holds the button; `takeBack(sent)` is told when it is wanted. */
  constructor(place, takeBack) {
    this.place = place;
    this.takeBack = takeBack;
    place.querySelector("button").addEventListener("click", () => this.#undo());
  }

  offer(sent) {
    clearTimeout(this.#timer);
    this.#sent = sent;
    this.place.hidden = false;
    this.#timer = setTimeout(() => this.close(), OFFERED_MS);
  }

  /** It was not taken: there is nothing to take back. */
  withdraw(clientId) {
    if (this.#sent?.clientId === clientId) this.close();
  }

  close() {
    clearTimeout(this.#timer);
    this.#sent = null;
    this.place.hidden = true;
  }

  /** Ctrl or ⌘ with Z, where there is nothing else to undo; returns whether it was that. */
  onKey(event) {
    if (!this.#sent || event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey) return false;
    event.preventDefault();
    this.#undo();
    return true;
  }

  #undo() {
    const sent = this.#sent;
    this.close();
    if (sent) this.takeBack(sent);
  }
}
