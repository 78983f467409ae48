// Passing messages at the foot of the page.

const SHOWN_MS = 5000;

/** Show a sentence for a while, with a link to where one can go on. */
export function toast(text, { tone, link, label } = {}) {
  const place = document.querySelector(".toasts");
  if (!place) return;
  const element = document.createElement("p");
  element.className = "toast";
  if (tone) element.dataset.tone = tone;
  element.textContent = text;
  if (link) element.append(" ", Object.assign(document.createElement("a"), { href: link, textContent: label }));
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

// What is being said goes on being said on the page that comes next, or that comes anew; what is kept of this one is without it.
let said = [];
document.addEventListener("turbo:before-cache", () => {
  said = [...document.querySelectorAll(".toasts > .toast")];
  document.querySelector(".toasts")?.replaceChildren();
});
document.addEventListener("turbo:before-render", ({ detail }) => {
  detail.newBody.querySelector(".toasts")?.prepend(...said);
  said = [];
});
