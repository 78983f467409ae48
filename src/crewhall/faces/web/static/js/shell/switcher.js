// The switcher: a box in which one types the first letters of where one wants to go. The server ranks; what is typed later
// counts, whatever answer comes last.

import * as Turbo from "../../vendor/turbo.js";

import { call } from "../api.js";
import { render } from "../live/render.js";
import { hue, initials } from "../live/view.js";
import { toastError } from "./toasts.js";

const SETTLE_MS = 60;
const BEST = { Documents: 5, "Messages like this": 3 };
const KINDS = { message: "Messages like this", task: null }; // tasks are shown by their words already; all else is a document
const BEST_MS = 200; // what is typed is asked for its meaning only when nothing more is
const ICONS = { public: "channel", private: "lock", system: "shield" };

let timer = null;
let asked = 0;
let answered = 0;
let isHasty = false; // Enter came before the answer: the first of it is meant
let chosen = 0;
let options = [];

const box = () => document.getElementById("switcher");

/** Open it, or close it when it is open. Returns whether there is one on this page. */
export function openSwitcher() {
  const dialog = box();
  if (!dialog) return false;
  if (dialog.open) {
    dialog.close();
    return true;
  }
  document.getElementById("sidebar")?.close?.();
  const input = dialog.querySelector("input");
  input.value = "";
  isHasty = false;
  dialog.showModal();
  ask("");
  return true;
}

async function ask(q) {
  const number = (asked += 1);
  let found;
  try {
    found = await call("GET", `/switcher?q=${encodeURIComponent(q)}`);
  } catch (error) {
    if (number === asked) toastError(error);
    return;
  }
  if (number !== asked || !box()?.open) return;
  answered = number;
  show(q, found);
  if (isHasty) options[0]?.onChoose();
  isHasty = false;
  if (q.length > 2) timer = setTimeout(() => askBest(q, number, found.messages), BEST_MS);
}

/** Add documents and messages that fit below what is shown, unless something else is typed meanwhile. */
async function askBest(q, number, shown) {
  const answer = await call("GET", `/knowledge/search?limit=16&q=${encodeURIComponent(q)}`).catch(() => null); // an operator may still be typed
  if (number !== asked || !box()?.open || !answer) return;
  const known = new Set(shown.map((one) => one.id));
  const each = answer.found.filter(({ id, document_id: of = id }) => !known.has(of ?? id) && known.add(of ?? id));
  const list = box().querySelector("[role='listbox']");
  for (const [title, most] of Object.entries(BEST)) {
    const best = each.filter(({ kind }) => (kind in KINDS ? KINDS[kind] : "Documents") === title).slice(0, most);
    if (best.length) list.append(groupRow(title), ...best.map(bestRow));
  }
}

function bestRow({ title, where, kind, snippet, url }) {
  const view = kind === "message" ? { icon: "thread", name: `${title} in ${where}` } : { icon: "file", name: title };
  return row({ ...view, html: snippet }, () => go(url));
}

function show(q, { places, messages, tasks }) {
  options = [];
  const list = box().querySelector("[role='listbox']");
  const rows = [...places.map(placeRow)];
  if (tasks.length) rows.push(groupRow("Tasks"), ...tasks.map(taskRow));
  if (messages.length) rows.push(groupRow("Messages"), ...messages.map(messageRow));
  if (q) rows.push(row({ icon: "search", name: `Search all messages for “${q}”` }, () => go(`/search?q=${encodeURIComponent(q)}`)));
  else if (rows.length) rows.unshift(groupRow("Where you usually are"));
  list.replaceChildren(...rows);
  choose(0);
}

function row(view, onChoose) {
  const element = render("switcher-option", { detail: null, html: null, initials: null, presence: null, icon: null, ...view, dom_id: `switch-${options.length}` });
  const use = element.querySelector("use");
  use?.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${view.icon}`));
  options.push({ element, onChoose });
  return element;
}

function groupRow(text) {
  const element = document.createElement("div");
  element.className = "group";
  element.setAttribute("role", "presentation");
  element.textContent = text;
  return element;
}

function placeRow(place) {
  const isConversation = place.type === "conversation";
  const sign = isConversation
    ? { icon: place.kind === "channel" ? ICONS[place.access] : "group" }
    : { initials: initials(place.name), type: place.type, hue: hue(place.id), presence: place.presence };
  const detail = isConversation ? place.detail : `@${place.detail}`;
  const view = { ...sign, name: place.name || "Only you", detail: place.status === "archived" ? "archived" : detail };
  return row(view, () => (place.conversation_id ? goTo(place.conversation_id) : writeTo(place)));
}

function taskRow({ id, name, title, status }) {
  return row({ icon: "check", name: title, detail: `${name} · ${status.replace("_", " ")}` }, () => go(`/tasks/${id}`));
}

function messageRow(hit) {
  const { author, conversation, parent_id: parent, seq } = hit;
  const sign = { initials: initials(author.name), type: author.type, hue: hue(author.id) };
  const where = conversation.name ? `#${conversation.name}` : (conversation.title ?? "a direct conversation");
  const path = `/c/${hit.conversation_id}?${parent ? `thread=${parent}&` : ""}at=${seq}`;
  return row({ ...sign, name: `${author.name} in ${where}`, html: hit.snippet }, () => go(path));
}

function choose(at) {
  chosen = Math.max(0, Math.min(at, options.length - 1));
  const input = box().querySelector("input");
  options.forEach(({ element }, place) => element.setAttribute("aria-selected", String(place === chosen)));
  const now = options[chosen]?.element;
  now?.scrollIntoView({ block: "nearest" });
  if (now) input.setAttribute("aria-activedescendant", now.id);
  else input.removeAttribute("aria-activedescendant");
}

function go(path) {
  box().close();
  Turbo.visit(path);
}

function goTo(conversation) {
  call("POST", `/conversations/${conversation}/visit`, undefined, { keepalive: true }).catch(() => {});
  go(`/c/${conversation}`);
}

/** Open the direct conversation with somebody whom one has not written to of late. */
async function writeTo({ type, id }) {
  try {
    const members = [{ member_type: type, member_id: id }];
    goTo((await call("POST", "/conversations", { kind: "direct", members })).id);
  } catch (error) {
    toastError(error);
  }
}

document.addEventListener("input", (event) => {
  if (!event.target.closest("#switcher")) return;
  clearTimeout(timer);
  const q = event.target.value.trim();
  isHasty = false;
  asked += 1; // an answer to what was typed before comes too late
  timer = setTimeout(() => ask(q), SETTLE_MS);
});

document.addEventListener("keydown", (event) => {
  if (!event.target.closest?.("#switcher") || event.isComposing) return;
  const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
  if (step) choose(chosen + step);
  else if (event.key === "Enter" && asked !== answered) isHasty = true;
  else if (event.key === "Enter") options[chosen]?.onChoose();
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const element = event.target.closest("#switcher [role='option']");
  options.find((option) => option.element === element)?.onChoose();
});
