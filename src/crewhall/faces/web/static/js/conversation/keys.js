// Moving through messages by keys: j, k and the arrows; r replies, q quotes; Escape closes the thread.

/** Handle a key pressed within a conversation. */
export function moveByKeys(event, conversation) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const close = conversation.querySelector("[data-close-thread]");
    if (close && !event.target.closest(".editor, [popover]")) close.click();
    return;
  }
  if (event.target.closest("textarea, input, select, [popover], dialog")) return;
  const item = event.target.closest(".message");
  const list = (item ?? conversation.querySelector(".messages .message"))?.parentElement;
  if (!list) return;
  const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
  if (step && (item || event.key.length === 1)) {
    event.preventDefault();
    const items = [...list.querySelectorAll(".message")];
    const next = item ? items[items.indexOf(item) + step] : items[items.length - 1];
    next?.focus();
  } else if (event.key === "r" && item) {
    event.preventDefault();
    item.querySelector(".tools a[data-turbo-frame]")?.click();
  } else if (event.key === "q" && item?.querySelector(".content")) {
    event.preventDefault();
    item.dispatchEvent(new CustomEvent("crew:quote", { bubbles: true }));
  }
}
