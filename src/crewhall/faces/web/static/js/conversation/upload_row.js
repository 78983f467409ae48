// The row of one file below the message that is being written.

import { sizeInWords } from "../live/attachments.js";

/** A row for a file, made of a template. */
export function rowOf(model, { name, size }) {
  const row = model.content.firstElementChild.cloneNode(true);
  row.querySelector(".name").textContent = name;
  row.querySelector(".size").textContent = sizeInWords(size);
  row.querySelector("progress").setAttribute("aria-label", `Sending ${name}`);
  row.querySelector("[data-remove]").setAttribute("aria-label", `Remove ${name}`);
  return row;
}
