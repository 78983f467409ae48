// Dialogs opened by a button, things copied by a button.

import { toast } from "./toasts.js";

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("The browser does not let us copy. Select the text instead.", { tone: "danger" });
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-dialog]");
  if (opener) document.getElementById(opener.dataset.openDialog).showModal();
  const closer = event.target.closest("[data-close-dialog]");
  if (closer) closer.closest("dialog").close();
  const source = event.target.closest("[data-copy]");
  if (source) copy(source.dataset.copy);
  if (event.target instanceof HTMLDialogElement) event.target.close();
});

document.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-select-all]")) event.target.select();
});

// A form that was refused comes back with its dialog open: it is one only when the page behind it rests.
for (const type of ["turbo:load", "turbo:render"]) {
  document.addEventListener(type, () => {
    for (const dialog of document.querySelectorAll("dialog.dialog[open]:not(:modal)")) {
      dialog.removeAttribute("open");
      dialog.showModal();
    }
  });
}

document.addEventListener("turbo:before-cache", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
});

export { copy };
