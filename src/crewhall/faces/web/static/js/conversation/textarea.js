// Changes to a text that one can take back with the browser's own undo.

/** Put `text` in the place of what stands from `start` to `end`; the caret goes behind it. */
export function replaceText(field, text, start = field.selectionStart, end = field.selectionEnd) {
  field.focus({ preventScroll: true });
  field.setSelectionRange(start, end);
  // The one way that keeps the field's history of undoing; a browser without it loses that alone.
  const done = text ? document.execCommand("insertText", false, text) : start === end || document.execCommand("delete");
  if (done) return;
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Whether a place in a text is within ``` fences. */
export function inFence(text, at) {
  const marks = text.slice(0, at).match(/^ {0,3}(```+|~~~+)/gm) ?? [];
  return marks.length % 2 === 1;
}

/** Where the line of a place begins. */
export function lineStart(text, at) {
  return text.lastIndexOf("\n", at - 1) + 1;
}
