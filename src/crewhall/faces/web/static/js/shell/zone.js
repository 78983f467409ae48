// Tells the server the browser's timezone, and shows the times of a first page, rendered in UTC, in local time.

import { clock, stamp } from "../live/view.js";

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const told = `crewhall_zone=${encodeURIComponent(zone)}`;
const known = document.cookie.split("; ").includes(told);
if (!known) document.cookie = `${told}; path=/; max-age=31536000; samesite=lax`;

document.addEventListener("turbo:load", localise, { once: true });

function localise() {
  if (known) return;
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.textContent = time.closest(".message") ? clock(time.dateTime) : stamp(time.dateTime);
    if (time.title) time.title = stamp(time.dateTime);
  }
}
