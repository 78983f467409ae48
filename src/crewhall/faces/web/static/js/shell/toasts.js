// Passing messages at the foot of the page.

const SHOWN_MS = 5000;

/** Show a sentence for a while. */
export function toast(text, { tone } = {}) {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const element = document.createElement("p");
  element.className = "toast";
  if (tone) element.dataset.tone = tone;
  element.textContent = text;
  place.append(element);
  setTimeout(() => element.remove(), SHOWN_MS);
}

/** Say what an error says. */
export function toastError(error) {
  toast(error instanceof TypeError ? "There is no connection to the server." : error.message, { tone: "danger" });
}

document.addEventListener("turbo:load", () => {
  for (const element of document.querySelectorAll(".toasts > .toast")) setTimeout(() => element.remove(), SHOWN_MS);
});
document.addEventListener("turbo:before-cache", () => {
  document.querySelector(".toasts")?.replaceChildren();
});
