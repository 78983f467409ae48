// A part of the page that could not be loaded says so in its place, and what to do: Turbo itself would say "Content missing".

import { fill } from "../live/render.js";

const NOT_HERE = "This is not here, or not yours to see. It may have been deleted meanwhile.";
const BUSY = "That was a lot at once. Wait a moment, then try again.";
const NO_ANSWER = "The server could not answer. Nothing is lost: try again in a moment.";
const UNREACHED = "The server cannot be reached. Nothing is lost: try again when the connection is back.";

function reasonOf(status) {
  if (status === 429) return BUSY;
  return status >= 500 ? NO_ANSWER : NOT_HERE;
}

function isFrame(element) {
  return element.localName === "turbo-frame";
}

/** Put a problem in the place of what a frame should hold; the page may have a template of its own for that frame. */
function showProblem(frame, text) {
  const template = document.getElementById(`${frame.id}-problem`) ?? document.getElementById("frame-problem");
  frame.replaceChildren(fill(template.content.firstElementChild.cloneNode(true), { text }));
  tell(frame);
  frame.querySelector("[data-reload-frame]").focus({ preventScroll: true });
}

/** Tell whoever keeps a frame that something else stands in it. */
function tell(frame) {
  frame.dispatchEvent(new CustomEvent("crew:frame-change"));
}

document.addEventListener("turbo:before-fetch-response", (event) => {
  const { fetchResponse } = event.detail;
  if (!isFrame(event.target) || (fetchResponse.succeeded && fetchResponse.isHTML)) return;
  event.preventDefault();
  showProblem(event.target, reasonOf(fetchResponse.statusCode));
});

// An answer without the frame: somebody signed out was led to the door, or what was sent from the frame failed.
document.addEventListener("turbo:frame-missing", (event) => {
  event.preventDefault();
  const { response, visit } = event.detail;
  if (response.redirected) visit(response.url);
  else showProblem(event.target, reasonOf(response.status));
});

document.addEventListener("turbo:fetch-request-error", (event) => {
  if (isFrame(event.target)) showProblem(event.target, UNREACHED);
});

document.addEventListener("click", (event) => {
  const frame = event.target.closest("turbo-frame");
  if (event.target.closest("[data-reload-frame]")) frame.reload();
  if (!event.target.closest("[data-empty-frame]")) return;
  frame.removeAttribute("src");
  frame.replaceChildren();
  tell(frame);
});
