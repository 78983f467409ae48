// Messages that stand in the page can be read back from it, and records laid over them: the document is the state.

import { readAttachments } from "./attachments.js";
import { readSources } from "./sources.js";

/** The message that an element shows. Moments that are only known to be there read as the message's own. */
export function readMessage(element) {
  const data = element.dataset;
  const has = (selector) => (own(element, selector) ? data.created : null);
  const replies = own(element, ".thread-link");
  return {
    id: data.message,
    seq: Number(data.seq),
    kind: data.kind,
    status: data.status,
    author: { type: data.authorType, id: data.authorId, name: own(element, ".author").textContent },
    created_at: data.created,
    parent_id: data.parent ?? null,
    mentions: data.mentions ? data.mentions.split(" ") : [],
    client_id: data.client ?? null,
    title: own(element, ".title")?.textContent ?? null,
    html: own(element, ".content")?.innerHTML ?? null,
    metadata: { ...readAttachments(element), ...readSources(element) },
    edited_at: has(".edited"),
    deleted_at: has(".tombstone"),
    pinned_at: has(".pin-mark"),
    reactions: readReactions(element),
    reply_count: replies ? parseInt(replies.textContent, 10) : 0,
    last_reply_at: replies?.querySelector(".last").dataset.at ?? null,
  };
}

function own(element, selector) {
  return element.querySelector(`:scope > .body ${selector}`);
}

function readReactions(element) {
  const reactions = {};
  for (const button of element.querySelectorAll(":scope > .body > .reactions > .reaction")) {
    reactions[button.dataset.emoji] = button.dataset.actors.split(" ").map((id) => ({ id }));
  }
  return reactions;
}

/** The message with a record laid over it. Records are applied once each, in order of seq. */
export function overlay(message, record) {
  switch (record.type) {
    case "edit":
      return { ...message, title: record.title, html: record.html, mentions: record.mentions, edited_at: record.created_at };
    case "deletion":
      return { ...message, deleted_at: record.created_at };
    case "pin":
      return { ...message, pinned_at: record.created_at };
    case "unpin":
      return { ...message, pinned_at: null };
    case "reaction":
      return { ...message, reactions: withReaction(message.reactions, record.content, record.author) };
    case "unreaction":
      return { ...message, reactions: withoutReaction(message.reactions, record.content, record.author) };
    case "message": // a reply
      return { ...message, reply_count: message.reply_count + 1, last_reply_at: record.created_at };
    default:
      return message;
  }
}

function withReaction(reactions, emoji, author) {
  const actors = reactions[emoji] ?? [];
  if (actors.some((actor) => actor.id === author.id)) return reactions;
  return { ...reactions, [emoji]: [...actors, { id: author.id }] };
}

function withoutReaction(reactions, emoji, author) {
  const actors = (reactions[emoji] ?? []).filter((actor) => actor.id !== author.id);
  const { [emoji]: _, ...others } = reactions;
  return actors.length ? { ...reactions, [emoji]: actors } : others;
}
