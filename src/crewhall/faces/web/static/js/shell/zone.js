// Tells the server the browser's timezone, and shows times that it rendered otherwise: those of a first page, in UTC, in
// local time, and all of them as the viewer's locale writes them.

import { clock, stamp } from "../live/view.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const told = `crewhall_zone=${encodeURIComponent(zone)}`;
let isLocal = document.cookie.split("; ").includes(told);
if (!isLocal) document.cookie = `${told}; path=/; max-age=31536000; samesite=lax`;

document.addEventListener("turbo:load", () => {
  if (!isLocal || document.body.dataset.locale) localise(document);
  isLocal = true;
});

// What comes later (a page of older messages, a thread, a frame) is localised before it is painted.
new MutationObserver((changes) => {
  if (!document.body?.dataset.locale) return;
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) localise(node);
  }
}).observe(document.documentElement, { childList: true, subtree: true });

function localise(within) {
  for (const time of within.matches?.("time[datetime]") ? [within] : within.querySelectorAll("time[datetime]")) {
    show(time, "textContent", time.closest(".message, .event") ? clock(time.dateTime) : stamp(time.dateTime));
    if (time.title) show(time, "title", stamp(time.dateTime));
  }
}

function show(time, where, text) {
  if (time[where] !== text) time[where] = text;
}
