// Menus are native popovers; this puts them beside what opened them and moves through them by arrow keys.

const GAP = 6;
const EDGE = 8;

/** Place a popover below (or above) an element, within the window. */
export function placeBeside(popover, element, { end = false } = {}) {
  const box = element.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = popover;
  const fitsBelow = box.bottom + GAP + height <= window.innerHeight - EDGE;
  const left = end ? box.right - width : box.left;
  popover.style.left = `${Math.max(EDGE, Math.min(left, window.innerWidth - width - EDGE))}px`;
  popover.style.top = `${Math.max(EDGE, fitsBelow ? box.bottom + GAP : box.top - GAP - height)}px`;
}

/** Open a popover beside an element and put the focus in it. */
export function openBeside(popover, element, options) {
  popover.showPopover();
  placeBeside(popover, element, options);
  popover.querySelector("button:not([hidden]), a")?.focus();
}

// One menu may have many openers (each day's divider): it opens beside the one that was pressed.
let pressed = null;
document.addEventListener("click", (event) => (pressed = event.target.closest("[popovertarget]")), true);

document.addEventListener(
  "toggle",
  (event) => {
    if (event.newState !== "open" || !event.target.id) return;
    const isPressed = pressed?.getAttribute("popovertarget") === event.target.id;
    const opener = isPressed ? pressed : document.querySelector(`[popovertarget="${event.target.id}"]`);
    if (!opener) return;
    placeBeside(event.target, opener);
    if (document.activeElement === opener) event.target.querySelector("button:not([hidden]), a")?.focus();
  },
  true,
);

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.(".menu[popover]");
  if (!menu) return;
  if (event.target.matches("input")) return;
  const items = [...menu.querySelectorAll("button, a")].filter((item) => item.checkVisibility());
  const at = items.indexOf(document.activeElement);
  const columns = menu.querySelector(".emoji-grid") ? 8 : 1;
  const step = { ArrowDown: columns, ArrowUp: -columns, ArrowRight: columns > 1 ? 1 : 0, ArrowLeft: columns > 1 ? -1 : 0 }[event.key];
  if (!step) return;
  event.preventDefault();
  items[(at + step + items.length) % items.length]?.focus();
});

document.addEventListener("turbo:before-cache", () => {
  for (const popover of document.querySelectorAll("[popover]:popover-open")) popover.hidePopover();
});
