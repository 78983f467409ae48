// Whom one may mention: asked for once per page of the browser's life and a little while, then filtered here.

import { call } from "../api.js";

const FRESH_MS = 30000;
let known = null;
let askedAt = 0;

async function load() {
  const [people, agents] = await Promise.all([call("GET", "/people?limit=200"), call("GET", "/agents?limit=200")]);
  return [
    ...agents.items.map((agent) => ({ id: agent.id, type: "agent", name: agent.name, handle: agent.code, presence: agent.presence })),
    ...people.items.map((person) => ({ id: person.id, type: "user", name: person.name, handle: person.handle, presence: null })),
  ];
}

function rank(candidate, word) {
  const name = candidate.name.toLowerCase();
  if (candidate.handle.startsWith(word)) return 0;
  if (name.split(/\s+/).some((part) => part.startsWith(word))) return 1;
  return candidate.handle.includes(word) || name.includes(word) ? 2 : 3;
}

/** Up to `most` people and agents that match, best first; none when they cannot be asked for. */
export async function findCandidates(word, most) {
  if (!known || Date.now() - askedAt > FRESH_MS) {
    known = load();
    askedAt = Date.now();
    known.catch(() => (known = null));
  }
  let all;
  try {
    all = await known;
  } catch {
    return [];
  }
  const wanted = word.toLowerCase();
  const others = all.filter((candidate) => candidate.id !== document.body.dataset.viewer);
  const ranked = others.map((candidate) => [rank(candidate, wanted), candidate]).filter(([place]) => place < 3);
  return ranked.sort(([a, x], [b, y]) => a - b || x.name.localeCompare(y.name)).slice(0, most).map(([, found]) => found);
}
