// What became of the calls that agents asked about: drawn beside the messages that told of them, and kept as it is now.

import { call } from "../api.js";
import { live } from "../live/socket.js";

const TOLD = /^approval:([0-9a-f-]{36})$/;
const TONES = { approved: "accent", refused: "danger", expired: "danger" };
const PAUSE_MS = 50;
const AT_ONCE = 100;
const known = new Map();
const wanted = new Map(); // places, and of which calls they show a message

/** Draw how a call stands, where the element of a message tells of one. */
export function drawStanding(item) {
  const id = item.dataset.authorType === "system" && item.dataset.client?.match(TOLD)?.[1];
  if (!id) return;
  if (known.has(id)) draw(item, known.get(id));
  else setTimeout(() => want(item, id), 0); // where it stands by then
}

/** Ask of all those that a place shows in one go. */
function want(item, id) {
  const place = item.closest("crew-conversation")?.dataset.conversation;
  if (!place || known.has(id)) return;
  if (!wanted.has(place)) {
    wanted.set(place, new Set());
    setTimeout(() => ask(place), PAUSE_MS);
  }
  wanted.get(place).add(id);
}

async function ask(place) {
  const ids = [...wanted.get(place)];
  wanted.delete(place);
  for (let at = 0; at < ids.length; at += AT_ONCE) {
    const these = ids.slice(at, at + AT_ONCE);
    try {
      const query = new URLSearchParams([["limit", AT_ONCE], ...these.map((id) => ["id", id])]);
      for (const one of (await call("GET", `/conversations/${place}/approvals?${query}`)).items) settle(one.id, one.status);
    } catch {
      return; // Who was taken out meanwhile: the message says what stays true.
    }
  }
}

function settle(id, status) {
  known.set(id, status);
  // Whoever posts may choose such a client id: only Crewhall's own messages tell of a call.
  for (const item of document.querySelectorAll(`[data-author-type="system"][data-client="approval:${CSS.escape(id)}"]`)) draw(item, status);
}

function draw(item, status) {
  item.querySelector(".standing")?.remove();
  const line = item.querySelector(".content > p:last-child");
  if (status === "waiting" || !line) return;
  const badge = Object.assign(document.createElement("span"), { className: "badge standing", textContent: status });
  badge.dataset.tone = TONES[status] ?? "";
  line.append(" ", badge);
}

live.addEventListener("approval", ({ detail }) => settle(detail.approval, detail.status));
live.addEventListener("back", () => {
  known.clear();
  for (const item of document.querySelectorAll('[data-client^="approval:"]')) drawStanding(item);
});
