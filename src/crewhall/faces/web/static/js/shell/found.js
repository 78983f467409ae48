// What was marked in a search's result is marked in its message, too, once that is open. Nothing of the page is changed for
// it: a browser that cannot highlight ranges shows the message alone.

let words = [];

const isWord = (char) => char !== undefined && /[\p{L}\p{N}]/u.test(char);

/** Where a text holds one of the words, not within a longer one that was not marked. */
function* places(text) {
  for (const word of words) {
    const isSpaceless = /\p{Lo}/u.test(word); // scripts that write without spaces have no capitals
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
      if (isSpaceless || (!isWord(text[at - 1]) && !isWord(text[at + word.length]))) yield [at, at + word.length];
    }
  }
}

function mark() {
  const content = words.length && document.querySelector(".message[data-found] .content");
  if (!content) return;
  const ranges = [];
  const texts = document.createTreeWalker(content, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    for (const [start, end] of places(texts.currentNode.data)) {
      const range = new Range();
      range.setStart(texts.currentNode, start);
      range.setEnd(texts.currentNode, end);
      ranges.push(range);
    }
  }
  CSS.highlights.set("found", new Highlight(...ranges));
  words = [];
}

if (CSS.highlights) {
  document.addEventListener("click", ({ target }) => {
    const hit = target.closest(".hit, #switcher [role='option']");
    if (hit) words = [...new Set([...hit.querySelectorAll("mark")].map(({ textContent }) => textContent))];
  });
  document.addEventListener("turbo:before-render", () => CSS.highlights.delete("found"));
  document.addEventListener("turbo:load", mark);
  document.addEventListener("turbo:frame-load", mark);
}
