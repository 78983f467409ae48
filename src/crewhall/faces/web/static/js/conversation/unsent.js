// What one has sent and the server has not confirmed, kept in this tab: a reload, or a look at another page, loses nothing.

export class Unsent {
  constructor(viewer, conversation) {
    this.key = `crewhall:unsent:${viewer}:${conversation}`;
  }

  /** The messages on their way, the first sent first. */
  list() {
    return JSON.parse(sessionStorage.getItem(this.key) ?? "[]");
  }

  /** Keep a message until it is dropped. */
  keep(message) {
    this.#write([...this.#others(message.client_id), message]);
  }

  /** The message has arrived, or is not wanted any more. */
  drop(clientId) {
    this.#write(this.#others(clientId));
  }

  #others(clientId) {
    return this.list().filter((message) => message.client_id !== clientId);
  }

  #write(messages) {
    if (messages.length) sessionStorage.setItem(this.key, JSON.stringify(messages));
    else sessionStorage.removeItem(this.key);
  }
}
