// What a message shows, computed from the message as it comes over the wire. The same as message_view in
// faces/plumbing/messages.py; a browser test compares the two.

import { attachmentViews } from "./attachments.js";
import { sourceViews } from "./sources.js";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const KIND_LABELS = { insight: "Insight", question: "Question", answer: "Answer", alert: "Alert", metric: "Metric" };
const HUES = 12;
const LONG_CHARACTERS = 4000;
const LONG_LINES = 40;
const LINES = /<\/(?:p|li|tr|h[1-6])>|\n(?=[^<])/g;

const two = (number) => String(number).padStart(2, "0");

/** Where an imported message was written; null for all others. */
export function originOf(message) {
  return message.metadata?.imported === "slack" ? "Slack" : null;
}

/** Up to two letters that stand for a name. */
export function initials(name) {
  const words = name.split(/\s+/).filter(Boolean);
  if (!words.length) return "?";
  const ends = words.length === 1 ? [words[0]] : [words[0], words[words.length - 1]];
  return ends.map((word) => [...word][0].toUpperCase()).join("");
}

/** One of twelve hues, from an id. */
export function hue(id) {
  let sum = 0;
  for (const digit of id.replaceAll("-", "")) sum = (sum * 31 + parseInt(digit, 16)) % 65521;
  return sum % HUES;
}

/** The local day of a moment, as a key to compare days by. */
export function dayKey(moment) {
  const date = new Date(moment);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** The local day of a moment, as people say it. */
export function dayName(moment) {
  const date = new Date(moment);
  const year = date.getFullYear() === new Date().getFullYear() ? "" : ` ${date.getFullYear()}`;
  return `${WEEKDAYS[date.getDay()]}, ${date.getDate()} ${MONTHS[date.getMonth()]}${year}`;
}

const formats = new Map();

/** How a locale writes parts of a moment; null for `en`, which is written as the server does it, and for unknown ones. */
function formatOf(parts) {
  const locale = document.body?.dataset.locale;
  if (!locale) return null;
  const key = `${locale} ${Object.keys(parts)}`;
  if (!formats.has(key)) {
    try {
      formats.set(key, new Intl.DateTimeFormat(locale, parts));
    } catch {
      formats.set(key, null);
    }
  }
  return formats.get(key);
}

const CLOCK = { hour: "2-digit", minute: "2-digit" };
const STAMP = { year: "numeric", month: "2-digit", day: "2-digit", ...CLOCK };

/** The local time of day of a moment. */
export function clock(moment) {
  const date = new Date(moment);
  const format = formatOf(CLOCK);
  if (format) return format.format(date);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Day and time of a moment. */
export function stamp(moment) {
  return formatOf(STAMP)?.format(new Date(moment)) ?? `${dayKey(moment)} ${clock(moment)}`;
}

function lastReply(message) {
  const moment = message.last_reply_at;
  if (!moment) return "";
  if (dayKey(moment) === dayKey(message.created_at)) return `last at ${clock(moment)}`;
  const date = new Date(moment);
  return `last on ${date.getDate()} ${MONTHS[date.getMonth()]}`;
}

function reactionsOf(message) {
  return Object.entries(message.reactions ?? {}).map(([emoji, actors]) => ({
    emoji,
    count: actors.length,
    actors: actors.map((actor) => actor.id).join(" "),
    label: `${emoji} ${actors.length}`,
  }));
}

function isLong(html) {
  return [...html].length > LONG_CHARACTERS || (html.match(LINES) ?? []).length > LONG_LINES;
}

/** The view of a message: every value that the template `message` names. */
export function messageView(message, { grouped = false } = {}) {
  const { author, deleted_at: deletedAt } = message;
  const deleted = Boolean(deletedAt);
  const replies = message.reply_count ?? 0;
  return {
    id: message.id,
    dom_id: message.id ? `m-${message.id}` : `c-${message.client_id}`,
    seq: message.seq,
    kind: message.kind,
    status: message.status,
    author_type: author.type,
    author_id: author.id,
    author_name: author.name,
    initials: initials(author.name),
    hue: hue(author.id),
    is_agent: author.type === "agent",
    is_webhook: author.type === "system" && /[^0-]/.test(author.id),
    kind_label: KIND_LABELS[message.kind] ?? null,
    origin: originOf(message),
    created_at: new Date(message.created_at).toISOString(),
    time: clock(message.created_at),
    stamp: stamp(message.created_at),
    parent_id: message.parent_id,
    thread_href: `?thread=${message.parent_id ?? message.id}`,
    own_thread_href: `?thread=${message.id}`,
    versions_href: `?versions=${message.id}`,
    mentions: (message.mentions ?? []).join(" ") || null,
    client_id: message.client_id,
    grouped: grouped ? "1" : null,
    title: deleted ? null : message.title,
    html: deleted ? null : message.html,
    files: deleted ? [] : attachmentViews(message.metadata),
    sources: deleted ? [] : sourceViews(message.metadata),
    long: !deleted && isLong(message.html ?? ""),
    edited: Boolean(message.edited_at) && !deleted,
    pinned: Boolean(message.pinned_at) && !deleted,
    deleted,
    present: !deleted && Boolean(message.id),
    reactions: deleted ? [] : reactionsOf(message),
    replies: replies ? `${replies} ${replies === 1 ? "reply" : "replies"}` : null,
    last_reply: lastReply(message),
    last_reply_at: message.last_reply_at ? new Date(message.last_reply_at).toISOString() : null,
    unsent: message.unsent ?? null,
  };
}
