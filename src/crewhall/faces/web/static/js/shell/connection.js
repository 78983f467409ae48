// The live socket follows who is signed in; a banner says when it is away.

import { live } from "../live/socket.js";
import { toastError } from "./toasts.js";

const PATIENCE_MS = 1500;
let timer = null;

function show(text) {
  const banner = document.querySelector("[data-connection]");
  if (!banner) return;
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !text;
}

function reflect() {
  clearTimeout(timer);
  document.documentElement.dataset.live = live.state;
  if (live.state === "open" || live.state === "stopped") show("");
  else if (live.state === "refused") show("The server refuses live messages from this address. Reload the page.");
  else timer = setTimeout(() => show("The connection is away. Crewhall keeps trying; nothing is lost."), PATIENCE_MS);
}

live.addEventListener("state", reflect);
live.addEventListener("signed-out", () => window.location.assign("/login"));

// Whoever signs out hangs up first: the server would close the socket, and the page would ask why.
document.addEventListener("submit", (event) => event.target.getAttribute("action") === "/logout" && live.stop(), true);

// A page that cannot be reached leaves the one that is here: the browser's own error page would take everything away.
document.addEventListener("turbo:fetch-request-error", (event) => {
  event.preventDefault();
  document.documentElement.removeAttribute("aria-busy");
  if (event.target.localName !== "turbo-frame") toastError(event.detail.error);
});

document.addEventListener("turbo:load", () => {
  if (document.body.dataset.viewer) live.start(document.body.dataset.viewer);
  else live.stop();
  reflect();
});
