// Files that are dropped on a place.

/** Hand what is dropped to `take(files)` until the signal; the place shows that it would take what is held over it. */
export function takeDrops(place, take, signal) {
  const onDrag = (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    if (event.type === "dragleave" && place.contains(event.relatedTarget)) return;
    place.toggleAttribute("data-dropping", event.type === "dragenter" || event.type === "dragover");
    if (event.type === "drop") take(event.dataTransfer.files);
  };
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) place.addEventListener(type, onDrag, { signal });
}
