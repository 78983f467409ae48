// Whether a page is older than what was told: a notification may come while the next page is on its way.

import { live } from "./socket.js";

let told = 0;
let asked = 0;
live.addEventListener("notification", () => (told += 1));
document.addEventListener("turbo:visit", () => (asked = told));

/** Whether something was told since this page was asked for. */
export function isStale() {
  return told > asked;
}
