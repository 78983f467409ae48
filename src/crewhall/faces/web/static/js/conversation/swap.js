// A message gives way to its next state without taking away what somebody is doing there: the focus, an edit.

const CONTROLS = [".thread-link", ".reply-mark", ".tools a", ".fold > summary"];

/** Put `fresh` in the place of `item`; the focus goes to the same control, an open editor comes along, as does a fold. */
export function swap(item, fresh) {
  const focused = document.activeElement;
  const control = item.contains(focused) ? nameOf(focused) : null;
  const editor = item.querySelector(".editor");
  const content = fresh.querySelector(".content");
  fresh.querySelector(".fold")?.toggleAttribute("open", Boolean(item.querySelector(".fold[open]")));
  if (editor && content) {
    content.hidden = true;
    content.after(editor);
  }
  item.replaceWith(fresh);
  if (control === null) return;
  const place = editor?.contains(focused) && content ? focused : (control && fresh.querySelector(control)) || fresh;
  place.focus({ preventScroll: true });
}

/** A selector for the control that has the focus; empty for the message itself. */
function nameOf(focused) {
  const { emoji, do: what } = focused.dataset;
  if (emoji) return `.reaction[data-emoji="${CSS.escape(emoji)}"]`;
  if (what) return `[data-do="${what}"]`;
  return CONTROLS.find((selector) => focused.matches(selector)) ?? "";
}
