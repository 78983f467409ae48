// Files that come without being chosen: pasted into the field, or dropped anywhere on its column. What is pasted and is
// longer than a message may be comes as a file as well, since the field would cut it.

import { takeDrops } from "../shell/drops.js";
import { toast } from "../shell/toasts.js";

/** Hand them to `take(files)` until the signal; the place shows that it would take what is held over it. */
export function takeFiles(place, text, take, signal) {
  text.addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    const taken = files.length ? files : longWords(text, event.clipboardData.getData("text/plain"));
    if (!taken.length) return;
    event.preventDefault();
    take(taken);
  });
  takeDrops(place, take, signal);
}

/** Words that the field has no room for, as a file; none where it has. */
function longWords({ value, maxLength, selectionStart, selectionEnd }, words) {
  if (value.length - (selectionEnd - selectionStart) + words.length <= maxLength) return [];
  toast("That is too long for a message: it is attached as a file.");
  return [new File([words], "pasted.txt", { type: "text/plain" })];
}
