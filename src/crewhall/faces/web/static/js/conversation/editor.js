// Editing a message where it stands.

import { toastError } from "../shell/toasts.js";
import { Title } from "./title.js";

/** Put an editor in place of a message's text. */
export async function edit(conversation, item) {
  if (item.querySelector(".editor")) return;
  const id = item.dataset.message;
  let message;
  try {
    message = await conversation.about("GET", id);
  } catch (error) {
    toastError(error);
    return;
  }
  const form = document.getElementById("editor").content.firstElementChild.cloneNode(true);
  const text = form.elements.content;
  text.value = message.content;
  const title = new Title(form, text);
  title.value = message.title ?? "";
  const content = item.querySelector(".content");
  // The message may have been drawn anew meanwhile, with the editor in it.
  const close = () => {
    const now = form.closest(".message");
    form.remove();
    if (!now) return;
    now.querySelector(".content").hidden = false;
    now.focus({ preventScroll: true });
  };
  content.hidden = true;
  content.after(form);
  text.focus();
  form.scrollIntoView({ block: "nearest" });
  text.setSelectionRange(text.value.length, text.value.length);
  form.querySelector("[data-cancel]").addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    else form.requestSubmit();
    event.preventDefault();
    event.stopPropagation();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(conversation, form, message, title.value, close);
  });
}

async function save(conversation, form, message, title, close) {
  const content = form.elements.content.value.trim();
  const retitled = title !== (message.title ?? "").trim();
  if (content === message.content.trim() && !retitled) return close();
  try {
    await conversation.about("PATCH", message.id, "", retitled ? { content, title } : { content });
    close(); // the record of the edit brings the new text
  } catch (error) {
    const place = form.querySelector(".error");
    place.textContent = error.message;
    place.hidden = false;
  }
  return undefined;
}
