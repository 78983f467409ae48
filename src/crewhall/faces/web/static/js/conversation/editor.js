// Editing a message where it stands.

import { toastError } from "../shell/toasts.js";
import { Title } from "./title.js";

const saving = new WeakMap(); // by editor: the save that is on its way

/** Put an editor in place of a message's text; one that is being saved there makes room first. */
export async function edit(conversation, item) {
  const { parentElement: list } = item;
  const id = item.dataset.message;
  await saving.get(item.querySelector(".editor"));
  let message;
  try {
    message = await conversation.about("GET", id);
  } catch (error) {
    toastError(error);
    return;
  }
  // What came meanwhile may have drawn the message anew, and another key may have opened an editor.
  const now = list.querySelector(`:scope > [data-message="${CSS.escape(id)}"]`);
  if (now?.querySelector(".content") && !now.querySelector(".editor")) open(conversation, now, message);
}

function open(conversation, item, message) {
  const form = document.getElementById("editor").content.firstElementChild.cloneNode(true);
  const text = form.elements.content;
  text.value = message.content;
  const title = new Title(form, text);
  title.value = message.title ?? "";
  const content = item.querySelector(".content");
  // The message may have been drawn anew meanwhile, with the editor in it.
  const close = () => {
    const now = form.closest(".message");
    const isHere = document.activeElement === document.body || form.contains(document.activeElement);
    form.remove();
    if (!now) return;
    now.querySelector(".content").hidden = false;
    if (isHere) now.focus({ preventScroll: true });
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
    if (text.readOnly) return; // it is on its way
    saving.set(form, save(conversation, form, message, title.value, close));
  });
}

async function save(conversation, form, message, title, close) {
  const content = form.elements.content.value.trim();
  const retitled = title !== (message.title ?? "").trim();
  if (content === message.content.trim() && !retitled) return close();
  const body = { content, based_on: message.edited_at, ...(retitled ? { title } : {}) };
  hold(form, true); // what is changed from here on would be saved nowhere
  try {
    await conversation.about("PATCH", message.id, "", body);
    close(); // the record of the edit brings the new text
  } catch (error) {
    hold(form, false);
    if (error.code === "stale_message") compare(form, message, error.details.message);
    const place = form.querySelector(".error");
    place.textContent = error.message;
    place.hidden = false;
  }
  return undefined;
}

/** Fields that are read only keep the focus: keys do nothing to other messages meanwhile. */
function hold(form, isHeld) {
  for (const field of form.querySelectorAll("textarea, input")) field.readOnly = isHeld;
}

/** Show what another window made of it; what one has written here stays, and is saved over that if one saves again. */
function compare(form, message, { content, title, edited_at: editedAt }) {
  Object.assign(message, { content, title, edited_at: editedAt });
  const other = form.querySelector("[data-other]");
  other.querySelector("pre").textContent = title ? `${title}\n\n${content}` : content;
  other.hidden = false;
  form.querySelector("[data-save]").textContent = "Save over it";
}
