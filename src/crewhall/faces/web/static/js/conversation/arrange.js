// What stands between messages: days, the line above the first unread one; and which stand under one name.
// The same rules as render_stream in faces/plumbing/messages.py.

import { dayKey, dayName } from "../live/view.js";

const TOGETHER_MS = 5 * 60 * 1000;

function isTogether(before, message) {
  return (
    before.authorId === message.authorId &&
    before.authorType === message.authorType &&
    (before.parent ?? "") === (message.parent ?? "") &&
    before.kind === message.kind &&
    Date.parse(message.created) - Date.parse(before.created) < TOGETHER_MS
  );
}

function dayLine(moment) {
  const line = document.createElement("li");
  line.className = "day";
  line.dataset.day = dayKey(moment);
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("popovertarget", "days");
  button.textContent = dayName(moment);
  line.append(button);
  return line;
}

/** Put the dividers of a list of messages right, and the grouping, changing only what is wrong. */
export function arrange(list) {
  let before = null;
  let day = null;
  let line = null; // the day's line that stands directly above, not yet justified by a message
  for (const item of [...list.children]) {
    if (item.classList.contains("day")) {
      line?.remove();
      line = item;
      before = null;
    } else if (item.classList.contains("unread-line")) before = null;
    else {
      const key = dayKey(item.dataset.created);
      if (key !== day) {
        if (line?.dataset.day === key) line = null;
        else item.before(dayLine(item.dataset.created));
        day = key;
        before = null;
      }
      line?.remove();
      line = null;
      const grouped = before !== null && !item.querySelector(".title") && isTogether(before.dataset, item.dataset);
      if (grouped !== item.hasAttribute("data-grouped")) item.toggleAttribute("data-grouped", grouped);
      if (grouped) item.dataset.grouped = "1";
      before = item;
    }
  }
  line?.remove();
}

/** Draw the line above the first unread message (null: take it away). */
export function drawUnreadLine(list, first) {
  list.querySelector("[data-unread-line]")?.remove();
  if (!first) return;
  const line = document.createElement("li");
  line.className = "unread-line";
  line.dataset.unreadLine = "";
  line.textContent = "New";
  first.before(line);
}
