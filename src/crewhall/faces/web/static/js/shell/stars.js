// Starring a conversation where it stands: the star fills, the sidebar is asked for again, the page stays.

import { call } from "../api.js";
import { toastError } from "./toasts.js";

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-star]");
  if (!form) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const [, conversation, what] = form.getAttribute("action").match(/^\/c\/([^/]+)\/(\w+)$/);
  try {
    await call(what === "star" ? "PUT" : "DELETE", `/conversations/${conversation}/star`);
  } catch (error) {
    toastError(error);
    return;
  }
  const starred = what === "star";
  form.setAttribute("action", `/c/${conversation}/${starred ? "unstar" : "star"}`);
  form.querySelector("button").setAttribute("aria-pressed", String(starred));
  const use = form.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*$/, starred ? "#starred" : "#star"));
  document.getElementById("sidebar")?.refresh?.();
}, true);
