// What stands around the messages of an open conversation (its name, where one writes or why one cannot, the sidebar) is
// drawn again when the conversation itself has changed. Who is out of it sees that, and keeps what they had written.

import { live } from "../live/socket.js";
import { toast } from "../shell/toasts.js";

const SETTLE_MS = 100;
const SPREAD_MS = 200; // all who have it open are told in the same instant
const ENDED = { deleted: (label) => `“${label}” was deleted.`, removed: (label) => `You are no longer in “${label}”.` };
let timer = null;
let ended = null; // how, when one is out of it: what changes afterwards says less
let latest = 0;

const open = () => document.querySelector("crew-conversation");

function drawSoon(detail) {
  if (!open() || (detail && detail.conversation !== open().dataset.conversation)) return;
  clearTimeout(timer);
  if (detail?.change in ENDED) ended = { place: detail.conversation, change: detail.change };
  timer = setTimeout(() => draw(open()), SETTLE_MS + Math.random() * SPREAD_MS);
}

async function draw(conversation) {
  if (!conversation) return;
  const asked = (latest += 1);
  const thread = conversation.querySelector(".thread crew-composer")?.dataset.parent;
  const path = `/c/${conversation.dataset.conversation}/surroundings${thread ? `?thread=${thread}` : ""}`;
  const isNews = document.getElementById("sidebar").lists.ask();
  const answer = await fetch(path, { headers: { accept: "text/html" } }).catch(() => null);
  if (!answer || answer.redirected || (!answer.ok && answer.status !== 404)) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (asked !== latest || !conversation.isConnected) return;
  if (answer.ok) {
    ended = null;
    drawAround(conversation, fresh.querySelector("crew-conversation"));
  } else end(conversation, fresh.querySelector("main .page"));
  document.title = fresh.title;
  if (isNews()) document.getElementById("sidebar").show(fresh);
}

function drawAround(conversation, fresh) {
  Object.assign(conversation.dataset, fresh.dataset);
  swap(conversation.querySelector(":scope > .bar"), fresh.querySelector(".bar"));
  for (const part of ["h2", "p"]) swap(conversation.querySelector(`[data-beginning] > ${part}`), fresh.querySelector(`[data-beginning] > ${part}`));
  for (const composer of fresh.querySelectorAll("crew-composer")) {
    const standing = conversation.querySelector(`crew-composer[data-parent="${composer.dataset.parent}"]`);
    if (standing) drawComposer(conversation, standing, composer);
  }
}

/** An open composer keeps everything that is written in it; it gives way where one may write no more, or may again. */
function drawComposer(conversation, standing, fresh) {
  const [text, next] = [standing, fresh].map((composer) => composer.querySelector("textarea"));
  if (text && next) {
    text.placeholder = next.placeholder;
    text.setAttribute("aria-label", next.placeholder);
    standing.querySelector("[data-wakes]").toggleAttribute("data-always", fresh.querySelector("[data-wakes]").hasAttribute("data-always"));
    return;
  }
  const focused = document.activeElement;
  const closed = fresh.querySelector(".closed");
  if (!next && !fresh.dataset.parent) conversation.querySelector("[data-announcer]").textContent = closed.textContent.trim();
  const words = text?.value.trim() ? kept(text.value) : standing.querySelector(".kept-words");
  if (!next && words) closed.append(words);
  standing.replaceWith(fresh);
  if (focused !== document.body && focused.isConnected) focused.focus({ preventScroll: true });
}

/** The conversation is not there any more, for who looks at it: what the server says of it takes its place. */
function end(conversation, page) {
  const change = ended?.place === conversation.dataset.conversation ? ended.change : null;
  const label = conversation.querySelector(".bar h1 .truncate").textContent;
  const written = [...conversation.querySelectorAll("crew-composer textarea")].map((text) => text.value.trim()).filter(Boolean);
  page.querySelector("[aria-labelledby='elsewhere']")?.remove();
  if (written.length) page.querySelector(".empty").append(kept(written.join("\n\n")));
  conversation.replaceWith(page);
  if (ENDED[change]) toast(ENDED[change](label));
}

/** What somebody had written where it cannot be sent: to be read and copied. */
function kept(words) {
  const place = Object.assign(document.createElement("div"), { className: "kept-words" });
  const title = Object.assign(document.createElement("p"), { textContent: "What you had written:" });
  const text = Object.assign(document.createElement("pre"), { className: "code wrapped", textContent: words, tabIndex: 0 });
  place.append(title, text);
  return place;
}

/** Put one in the other's place, where they differ; the focus stays on the same control. */
function swap(standing, fresh) {
  if (standing.isEqualNode(fresh)) return;
  const label = standing.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
  standing.replaceWith(fresh);
  if (label) fresh.querySelector(`[aria-label="${CSS.escape(label)}"]`)?.focus({ preventScroll: true });
}

live.addEventListener("conversation", ({ detail }) => drawSoon(detail));
live.addEventListener("joined", ({ detail }) => drawSoon(detail));
live.addEventListener("back", () => drawSoon());
