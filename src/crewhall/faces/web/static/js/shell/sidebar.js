// The sidebar: unread counts that move (in the tab's title too), presence that shows, and a drawer on a phone.

import { call } from "../api.js";
import { seenUpTo } from "../conversation/read.js";
import { live } from "../live/socket.js";
import { isStale } from "../live/told.js";
import { Newest } from "./newest.js";
import { showPresence } from "./presence.js";

const SETTLE_MS = 150;
const AGAIN_MS = 5000;
const MOST_TRIES = 5;
const BUSY = [429, 502, 503, 504];
const SPREAD_MS = 1000; // all who have a conversation in their lists are told in the same instant
let scrolledTo = 0;
const unfolded = new Set(); // what somebody opened stays open while they go from page to page

class Sidebar extends HTMLElement {
  #unfollow = [];
  #ending = null;
  #timer = null;
  #counting = null;
  #counts = new Newest();
  #tries = 0;
  lists = new Newest();

  connectedCallback() {
    const nav = this.querySelector("nav");
    nav.scrollTop = scrolledTo;
    this.#unfold();
    showCurrent(nav);
    nav.addEventListener("scroll", () => (scrolledTo = nav.scrollTop), { passive: true });
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    live.addEventListener("presence", (event) => showPresence(event.detail.actor.id, event.detail.presence), { signal });
    live.addEventListener("approval", () => this.#refreshSoon(), { signal });
    live.addEventListener("notification", () => this.#countSoon(), { signal });
    for (const type of ["joined", "conversation", "back"]) live.addEventListener(type, ({ detail }) => this.#onChange(detail), { signal });
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.close(), { signal });
    this.#follow();
    if (isStale()) this.#countSoon();
  }

  disconnectedCallback() {
    clearTimeout(this.#timer);
    clearTimeout(this.#counting);
    this.#ending.abort();
    for (const unfollow of this.#unfollow.splice(0)) unfollow();
  }

  #unfold() {
    for (const fold of this.querySelectorAll("[data-fold]")) {
      const { fold: name } = fold.dataset;
      if (unfolded.has(name)) fold.open = true;
      fold.querySelector("summary").addEventListener("click", () => (fold.open ? unfolded.delete(name) : unfolded.add(name)));
    }
  }

  #follow() {
    const before = this.#unfollow.splice(0);
    for (const link of this.querySelectorAll("[data-conversation]")) {
      const { conversation, lastSeq } = link.dataset;
      if (seenUpTo(conversation) >= Number(lastSeq)) this.setUnread(conversation, 0);
      this.#unfollow.push(live.follow(conversation, Number(lastSeq), (frame) => this.#onFrame(link, frame)));
    }
    for (const unfollow of before) unfollow();
    this.#entitle();
  }

  /** Say in the tab's title how many messages wait. */
  #entitle() {
    let waiting = 0;
    for (const badge of this.querySelectorAll("[data-conversation]:not([data-muted]) .count")) waiting += Number(badge.dataset.count || 0);
    // What is unread there and told of in the inbox is one thing: the greater number says it.
    waiting = Math.max(waiting, Number(this.querySelector("[data-inbox] .count").dataset.count));
    const plain = document.title.replace(/^\(\d+\+?\) /, "");
    document.title = waiting === 0 ? plain : `(${waiting < 100 ? waiting : "99+"}) ${plain}`;
  }

  /** Lists may be others by now. The conversation that is open asks for them with what else it shows (surroundings.js). */
  #onChange(change) {
    const open = document.querySelector("crew-conversation")?.dataset.conversation;
    if (open && (!change || change.conversation === open)) return;
    this.#refreshSoon(change?.event === "conversation" ? Math.random() * SPREAD_MS : 0);
  }

  #refreshSoon(later = 0) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), SETTLE_MS + later);
  }

  /** Ask for the lists again now. */
  refresh() {
    return this.#refresh();
  }

  /** Ask for the lists again: somebody made one a member, or changes may have been missed. */
  async #refresh() {
    const isNews = this.lists.ask();
    const answer = await fetch(`/sidebar?here=${encodeURIComponent(location.pathname)}`).catch(() => null);
    const page = answer?.ok ? await answer.text() : null;
    if (!this.isConnected) return;
    if (page !== null) {
      this.#tries = 0;
      if (isNews()) this.show(new DOMParser().parseFromString(page, "text/html"));
    } else if (BUSY.includes(answer?.status) && this.#tries < MOST_TRIES) {
      this.#refreshSoon(AGAIN_MS * 2 ** this.#tries++ * (1 + Math.random())); // whoever is away comes back, and says so
    }
  }

  /** Show the lists of a page that came just now. */
  show(fresh) {
    if (!fresh.getElementById("sidebar")) return;
    this.querySelector("nav").replaceChildren(...fresh.querySelectorAll("#sidebar nav > *"));
    for (const dot of this.querySelectorAll("[data-presence-of]")) showPresence(dot.dataset.presenceOf, dot.dataset.presence);
    this.#unfold();
    this.#follow();
  }

  /** Show how many messages of a conversation are unread. */
  setUnread(conversation, count) {
    const link = this.querySelector(`[data-conversation="${conversation}"]`);
    if (!link) return;
    this.#show(link, count);
  }

  #show(link, count) {
    const badge = link.querySelector(".count");
    const isMuted = link.dataset.muted !== undefined;
    badge.dataset.count = String(count);
    badge.firstChild.textContent = count < 100 ? String(count) : "99+";
    badge.hidden = count === 0 || isMuted;
    if (count && !isMuted) link.dataset.unread = "true";
    else delete link.dataset.unread;
    this.#entitle();
  }

  #countSoon() {
    clearTimeout(this.#counting);
    this.#counting = setTimeout(() => this.#count(), SETTLE_MS);
  }

  /** Ask how much of the inbox is unread: something came, or was read in another tab. */
  async #count() {
    const isNews = this.#counts.ask();
    const answer = await call("GET", "/notifications/count").catch(() => null);
    if (answer && this.isConnected && isNews()) this.#show(this.querySelector("[data-inbox]"), answer.unread);
  }

  /** Slide in, on a phone. */
  open() {
    if (this.hasAttribute("data-open") || !window.matchMedia("(max-width: 47.99rem)").matches) return;
    this.dataset.open = "";
    const scrim = Object.assign(document.createElement("button"), { className: "scrim", type: "button" });
    scrim.setAttribute("aria-label", "Close the menu");
    scrim.addEventListener("click", () => this.close());
    this.after(scrim);
    document.getElementById("main").inert = true;
    this.#tell(true);
    this.querySelector("button, a, input").focus();
  }

  /** Slide out. */
  close() {
    if (!this.hasAttribute("data-open")) return;
    delete this.dataset.open;
    document.querySelector(".scrim")?.remove();
    document.getElementById("main").inert = false;
    this.#tell(false);
    document.querySelector("[data-open-sidebar]")?.focus();
  }

  #tell(open) {
    for (const button of document.querySelectorAll("[data-open-sidebar]")) button.setAttribute("aria-expanded", String(open));
  }

  #onFrame(link, frame) {
    if (frame.type !== "record" || frame.record.type !== "message") return;
    link.closest("li").hidden = false; // the first words of what somebody has opened
    if (frame.record.author.id === document.body.dataset.viewer) return;
    if (link.getAttribute("aria-current") === "page" && !document.hidden) return; // whoever looks has read it
    this.setUnread(link.dataset.conversation, Number(link.querySelector(".count").dataset.count) + 1);
  }
}

/** Whoever comes by a link sees where they are, however many channels there are. */
function showCurrent(nav) {
  const current = nav.querySelector("[aria-current='page']");
  if (!current) return;
  const { top, bottom } = current.getBoundingClientRect();
  const frame = nav.getBoundingClientRect();
  if (top < frame.top || bottom > frame.bottom) nav.scrollTop += (top + bottom - frame.top - frame.bottom) / 2;
}

customElements.define("crew-sidebar", Sidebar);

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-sidebar]")) document.getElementById("sidebar").open();
});
document.addEventListener("turbo:before-cache", () => document.getElementById("sidebar")?.close?.());
