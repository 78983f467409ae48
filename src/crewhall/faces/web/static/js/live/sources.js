// What an answer cites, as it stands under it. The same as faces/plumbing/sources.py; a browser test compares the two.

const NAMED = ["id", "number", "title", "url"];

function isSource(one) {
  return typeof one === "object" && one !== null && NAMED.every((name) => name in one) && /^\/(?!\/)/.test(one.url);
}

/** What the template `message` names of each source. */
export function sourceViews(metadata) {
  const sources = Array.isArray(metadata?.sources) ? metadata.sources : [];
  return sources.filter(isSource).map(({ id, number, title, url }) => ({ id, number, title, href: url }));
}

/** The sources that an element shows, as a message's metadata names them. */
export function readSources(element) {
  const sources = [...element.querySelectorAll(":scope > .body > .sources > .source")].map((source) => ({
    id: source.dataset.source,
    number: Number(source.querySelector(".number").textContent),
    title: source.querySelector(".name").textContent,
    url: source.querySelector("a").getAttribute("href"),
  }));
  return sources.length ? { sources } : {};
}
