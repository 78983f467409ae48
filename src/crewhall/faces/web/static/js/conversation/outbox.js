// What one sends: shown at once, posted in order, and settled by the record with the same client id. What fails stays,
// and can be sent again under the same client id: the log keeps it once.

import { call } from "../api.js";
import { Unsent } from "./unsent.js";

export class Outbox {
  #queue = Promise.resolve();
  #sent = new Set();
  #held = new Map();
  #arrived = new Set();
  #posted = new Map();

  /** `show(message)` puts a message where it belongs; `drop(clientId)` takes it away; `failed(clientId)` was not taken. */
  constructor(conversation, author, { show, drop, failed }) {
    this.conversation = conversation;
    this.author = author;
    this.show = show;
    this.drop = drop;
    this.failed = failed;
    this.unsent = new Unsent(author.id, conversation);
  }

  send({ content, title, kind, clientId, files = [] }, parentId) {
    const message = {
      id: "",
      seq: 0,
      type: "message",
      author: this.author,
      kind: kind || "message",
      status: "sending",
      title: title || null,
      content,
      html: content ? asParagraphs(content) : null,
      metadata: files.length ? { files } : {},
      parent_id: parentId || null,
      client_id: clientId ?? crypto.randomUUID(),
      created_at: new Date().toISOString(),
    };
    this.unsent.keep(message);
    this.show(message);
    this.#post(message);
  }

  /** Send what was on its way when the page was left, but for what `hasCome(clientId)`: the log keeps it once. */
  resume(hasCome) {
    for (const message of this.unsent.list()) {
      if (hasCome(message.client_id)) {
        this.unsent.drop(message.client_id);
        continue;
      }
      this.show(message);
      this.#post(message);
    }
  }

  retry(clientId) {
    const message = this.#held.get(clientId);
    if (!message) return;
    this.#held.delete(clientId);
    this.show({ ...message, status: "sending", unsent: null });
    this.#post(message);
  }

  /** Try again what failed for want of a connection. */
  retryUnreached() {
    for (const [clientId, message] of this.#held) if (message.unreached) this.retry(clientId);
  }

  /** The log has it, whatever became of the answer. Returns whether it was sent from here. */
  arrived(clientId) {
    if (!this.#sent.delete(clientId)) return false;
    this.#arrived.add(clientId);
    this.#held.delete(clientId);
    this.unsent.drop(clientId);
    return true;
  }

  discard(clientId) {
    this.#held.delete(clientId);
    this.unsent.drop(clientId);
    this.drop(clientId);
  }

  /** Take back what was sent a moment ago: deleted as soon as it is posted, gone if it never is. */
  async takeBack(clientId) {
    await this.#queue;
    const id = this.#posted.get(clientId);
    if (id) await call("DELETE", `/conversations/${this.conversation}/messages/${id}`);
    else this.discard(clientId);
  }

  #post(message) {
    this.#sent.add(message.client_id);
    this.#queue = this.#queue.then(() => this.#deliver(message));
  }

  async #deliver(message) {
    const { content, title, kind, metadata, parent_id: parentId, client_id: clientId } = message;
    try {
      const posted = await call("POST", `/conversations/${this.conversation}/messages`, {
        ...(content ? { content } : {}),
        ...(metadata?.files ? { files: metadata.files.map((file) => file.id) } : {}),
        client_id: clientId,
        ...(kind !== "message" ? { kind } : {}),
        ...(title ? { title } : {}),
        ...(parentId ? { parent_id: parentId } : {}),
      });
      this.unsent.drop(clientId);
      this.#posted.set(clientId, posted.id);
      this.show(posted);
    } catch (error) {
      if (this.#arrived.has(clientId)) return;
      const unreached = error instanceof TypeError || error.status >= 500;
      const unsent = unreached ? "Not sent: the server did not answer." : `Not sent. ${inWords(error)}`;
      this.#held.set(clientId, { ...message, unreached });
      this.show({ ...message, status: "failed", unsent });
      this.failed(clientId);
    }
  }
}

/** What was refused, to whom has just written it: they know which field, and send no tokens. */
function inWords(error) {
  if (error.status === 401) return "You are signed out: sign in in another tab, then try again.";
  return error.message.replace(/^content: /, "");
}

/** Plain text as it stands until the server's own rendering comes. */
function asParagraphs(text) {
  const holder = document.createElement("div");
  for (const block of text.trim().split(/\n{2,}/)) {
    const paragraph = document.createElement("p");
    block.split("\n").forEach((line, at) => paragraph.append(...(at ? [document.createElement("br"), line] : [line])));
    holder.append(paragraph);
  }
  return holder.innerHTML;
}

/** Tell the field that it was written for, if one is open here, that the same person said this in another window. */
export function tellSaid(conversation, message) {
  const field = conversation.querySelector(`crew-composer[data-parent="${message.parent_id ?? ""}"]`);
  field?.dispatchEvent(new CustomEvent("crew:said", { detail: message }));
}

/** Tell whoever wrote it, in the column or in a thread, that it was not taken. */
export function tellWriters(conversation, clientId) {
  const told = { detail: { clientId } };
  for (const one of conversation.querySelectorAll("crew-composer")) one.dispatchEvent(new CustomEvent("crew:unsent", told));
}
