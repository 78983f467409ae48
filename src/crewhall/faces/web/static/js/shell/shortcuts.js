// Keys that work everywhere: Ctrl or ⌘ with K opens the switcher, / goes to the search box, ? lists all keys, Alt with the
// arrows goes through the conversations of the sidebar (with Shift, through those with something unread).

import * as Turbo from "../../vendor/turbo.js";

import { openSwitcher } from "./switcher.js";

const WRITING = "textarea, input, select, [contenteditable]";

function search() {
  const box = document.querySelector("[data-page-search]") ?? document.querySelector("[data-search]");
  if (!box) return false;
  document.getElementById("sidebar")?.open?.();
  box.focus();
  box.select();
  return true;
}

function listKeys() {
  const dialog = document.getElementById("keys");
  const frame = dialog?.querySelector("turbo-frame"); // the page of all keys has none
  if (!frame) return false;
  if (dialog.open) dialog.close();
  else {
    if (!frame.src) frame.src = "/keys";
    dialog.showModal();
  }
  return true;
}

function goBeside(step, onlyUnread) {
  const links = [...document.querySelectorAll("crew-sidebar [data-conversation]")];
  const here = links.findIndex((link) => link.getAttribute("aria-current") === "page");
  const wanted = (link) => !onlyUnread || link.dataset.unread;
  for (let at = here + step; at >= 0 && at < links.length; at += step) {
    if (!wanted(links[at])) continue;
    Turbo.visit(links[at].href);
    return true;
  }
  return false;
}

function handle(event) {
  const command = event.ctrlKey || event.metaKey;
  if (event.key.toLowerCase() === "k" && command && !event.shiftKey && !event.altKey) return openSwitcher();
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && event.altKey && !command) return goBeside(step, event.shiftKey);
  if (command || event.altKey || event.target.closest?.(WRITING)) return false;
  if (event.key === "?") return listKeys();
  if (event.key === "/" && !document.querySelector("dialog[open]")) return search();
  return false;
}

document.addEventListener("keydown", (event) => {
  if (!event.defaultPrevented && !event.isComposing && handle(event)) event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-switcher]")) openSwitcher();
});
