// Keys in a conversation. The focus moves among messages (one of them is a stop of the Tab key); a letter does what the
// menu of the focused message, or of the one under the pointer, offers. templates/keys.html lists them for people.

import { openDays } from "./days.js";

const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };
const ACTS = {
  e: "edit",
  "+": "pick",
  a: "pick",
  p: "pin",
  s: "save",
  u: "unread",
  c: "copy-link",
  h: "history",
  m: "menu",
  q: "quote",
  Delete: "delete",
};
const WRITING = "textarea, input, select, [contenteditable]";
const ELSEWHERE = "[popover], dialog, crew-sidebar, [role='menu']";

/** Handle a key pressed while a conversation is open. */
export function moveByKeys(event, conversation) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.(ELSEWHERE) || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    leave(event, conversation);
    return;
  }
  if (event.target.closest?.(WRITING)) return;
  const focused = event.target.closest?.(".message");
  const step = STEPS[event.key];
  if (step && (focused || event.key.length === 1)) move(event, conversation, focused, step);
  else if (focused && (event.key === "Home" || event.key === "End")) goToEnd(event, focused);
  else if (event.key === "d") {
    event.preventDefault();
    openDays(focused ?? conversation.stream.last ?? conversation);
  } else act(event, conversation, focused ?? conversation.querySelector(".message:hover"));
}

/** Leave what one is in, from the inside out: an editor knows by itself, then the thread, then a message for the composer. */
function leave(event, conversation) {
  if (event.target.closest?.(".editor")) return;
  const close = conversation.querySelector("[data-close-thread]");
  if (close) close.click();
  else if (event.target.closest?.(".message")) conversation.querySelector(".stream crew-composer textarea")?.focus();
}

function move(event, conversation, focused, step) {
  event.preventDefault();
  const list = focused?.closest(".thread, .stream") ?? conversation.querySelector(".stream");
  const items = [...list.querySelectorAll(".message")];
  if (!focused) {
    (list.querySelector(".message[data-found], .message[tabindex='0']") ?? items[items.length - 1])?.focus();
    return;
  }
  const next = items[items.indexOf(focused) + step];
  if (next) next.focus();
  else if (step > 0) list.querySelector("crew-composer textarea")?.focus();
}

function goToEnd(event, focused) {
  event.preventDefault();
  const items = focused.parentElement.querySelectorAll(":scope > .message");
  items[event.key === "Home" ? 0 : items.length - 1]?.focus();
}

function act(event, conversation, item) {
  if (!item) return;
  const isMessage = event.target === item || event.target === document.body || event.key.length === 1;
  if (!isMessage) return;
  if (event.key === "r" || (event.key === "Enter" && event.target === item)) {
    event.preventDefault();
    item.querySelector(":scope > .tools a[data-turbo-frame]")?.click();
  } else if (ACTS[event.key]) {
    event.preventDefault();
    conversation.tools.act(ACTS[event.key], item);
  }
}

/** Keep one message of each list in the order of the Tab key: the one that had the focus last, else the newest. */
export function rove(conversation, signal) {
  const stop = (item) => {
    const list = item.closest(".thread, .stream");
    for (const other of list.querySelectorAll(".message[tabindex='0']")) other.tabIndex = -1;
    item.tabIndex = 0;
  };
  conversation.addEventListener(
    "focusin",
    (event) => {
      const item = event.target.closest(".message");
      if (item) stop(item);
    },
    { signal },
  );
  if (conversation.stream.last) stop(conversation.stream.last);
}
