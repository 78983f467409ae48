// Quoting: what somebody said, marked as theirs, with the way back to it.

import { clock } from "../live/view.js";
import { toastError } from "../shell/toasts.js";
import { addressOf } from "./address.js";

/** Quote a message, or what is chosen of it, in the composer of the place where it stands. */
export async function quote(conversation, item) {
  const composer = conversation.querySelector(`${item.closest(".thread") ? ".thread" : ".stream"} crew-composer`);
  if (!composer?.text) return;
  const chosen = chosenOf(item);
  let said = chosen;
  try {
    said ||= (await conversation.about("GET", item.dataset.message)).content;
  } catch (error) {
    toastError(error);
    return;
  }
  const who = item.querySelector(".author").textContent.replace(/[[\]\\]/g, "\\$&");
  const address = addressOf(conversation.id_, item);
  const lines = said.trim().split("\n").map((line) => `> ${line}`.trimEnd());
  composer.addText(`[${who}, ${clock(item.dataset.created)}](${address}):\n${lines.join("\n")}\n\n`);
}

/** The text that is chosen within a message, if any. */
function chosenOf(item) {
  const selection = window.getSelection();
  const content = item.querySelector(".content");
  if (!content || selection.isCollapsed || !content.contains(selection.anchorNode) || !content.contains(selection.focusNode)) return "";
  return selection.toString();
}
