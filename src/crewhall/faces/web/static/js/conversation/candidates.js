// Whom one may mention: asked for once per page of the browser's life and a little while, then filtered here; where there
// are more than one page of them, each word is asked for besides.

import { call } from "../api.js";

const FRESH_MS = 30000;
const FIRST = 200;
let known = null;
let askedAt = 0;

async function load(query) {
  const [people, agents] = await Promise.all([call("GET", `/people?${query}`), call("GET", `/agents?${query}`)]);
  const dot = ({ presence }) => (presence === "online" ? presence : null); // a person who is away has none
  const all = [
    ...agents.items.map((agent) => ({ id: agent.id, type: "agent", name: agent.name, handle: agent.code, presence: agent.presence })),
    ...people.items.map((person) => ({ id: person.id, type: "user", name: person.name, handle: person.handle, presence: dot(person) })),
  ];
  return { all, isWhole: !people.next && !agents.next };
}

async function matching(word) {
  if (!known || Date.now() - askedAt > FRESH_MS) {
    known = load(`limit=${FIRST}`);
    askedAt = Date.now();
    known.catch(() => (known = null));
  }
  const { all, isWhole } = await known;
  if (isWhole || !word) return all;
  const more = await load(`limit=20&q=${encodeURIComponent(word)}`);
  const ids = new Set(all.map(({ id }) => id));
  return [...all, ...more.all.filter(({ id }) => !ids.has(id))];
}

function rank(candidate, word) {
  const name = candidate.name.toLowerCase();
  if (candidate.handle.startsWith(word)) return 0;
  if (name.split(/\s+/).some((part) => part.startsWith(word))) return 1;
  return candidate.handle.includes(word) || name.includes(word) ? 2 : 3;
}

/** Up to `most` people and agents that match, best first; none when they cannot be asked for. */
export async function findCandidates(word, most) {
  let all;
  try {
    all = await matching(word);
  } catch {
    return [];
  }
  const wanted = word.toLowerCase();
  const others = all.filter((candidate) => candidate.id !== document.body.dataset.viewer);
  const ranked = others.map((candidate) => [rank(candidate, wanted), candidate]).filter(([place]) => place < 3);
  return ranked.sort(([a, x], [b, y]) => a - b || x.name.localeCompare(y.name)).slice(0, most).map(([, found]) => found);
}
