// Presence as it changes: every dot of an agent, and the words that say when it was last there.

import { stamp } from "../live/view.js";

const PRESENT = new Set(["online", "busy"]);

/** Show an agent's presence wherever the page shows that agent. */
export function showPresence(id, presence) {
  for (const dot of document.querySelectorAll(`[data-presence-of="${CSS.escape(id)}"]`)) {
    dot.dataset.presence = presence;
    dot.title = presence;
  }
  for (const words of document.querySelectorAll(`[data-seen-of="${CSS.escape(id)}"]`)) {
    if (presence !== "offline") words.textContent = presence;
    else if (PRESENT.has(words.textContent.trim())) words.replaceChildren("last seen ", now());
  }
}

function now() {
  const time = document.createElement("time");
  time.dateTime = new Date().toISOString();
  time.textContent = stamp(time.dateTime);
  return time;
}
