// Keys that work everywhere: Ctrl or ⌘ with K goes to the search box.

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
  const box = document.querySelector("[data-page-search]") ?? document.querySelector("[data-search]");
  if (!box) return;
  event.preventDefault();
  document.getElementById("sidebar")?.open?.();
  box.focus();
  box.select();
});
