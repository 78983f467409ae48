// Completion in the search box and its filters: who, where, and what else a search is narrowed by.

import { call } from "../api.js";
import { findCandidates } from "../conversation/candidates.js";
import { Completion } from "../conversation/completion.js";
import { replaceText } from "../conversation/textarea.js";
import { render } from "../live/render.js";
import { hue, initials } from "../live/view.js";

const MOST = 8;
const WORDS = {
  kind: ["message", "update", "insight", "question", "answer", "alert", "metric"],
  has: ["file", "image", "link"],
  after: ["today", "yesterday"],
  before: ["today", "yesterday"],
  on: ["today", "yesterday"],
};

/** What completes one operator: in the search box behind its name, in a field of its own all that is typed. */
class Values {
  constructor(field, operator, isAlone) {
    this.field = field;
    this.operator = operator;
    this.pattern = isAlone ? /^()[#@]?([^\s"]*)$/u : new RegExp(`(?:^|\\s)-?${operator}:([#@]?)([^\\s"]*)$`, "iu");
    this.label = `Narrow by ${operator}`;
    this.isAlone = isAlone;
  }

  word(before) {
    return this.pattern.exec(before)?.[2] ?? null;
  }

  async find(word) {
    if (this.operator === "from") return [...own(word), ...(await findCandidates(word, MOST)).map(somebody)];
    if (this.operator === "in") return places(word);
    const matching = WORDS[this.operator].filter((value) => value.startsWith(word.toLowerCase()));
    return matching.map((value) => ({ value, name: value, icon: "list" }));
  }

  option(choice) {
    const element = render("switcher-option", { detail: null, html: null, initials: null, presence: null, icon: null, ...choice, dom_id: null });
    const use = element.querySelector("use");
    use?.setAttribute("href", use.getAttribute("href").replace(/#.*$/, `#${choice.icon}`));
    element.classList.add("item");
    return element;
  }

  take({ value }) {
    const end = this.field.selectionStart;
    const typed = this.field.value.slice(0, end);
    const begin = this.isAlone ? 0 : typed.length - /[^\s:]*$/.exec(typed)[0].length;
    replaceText(this.field, this.isAlone ? value : `${value} `, begin, end);
  }
}

const own = (word) => ("me".startsWith(word.toLowerCase()) ? [{ value: "me", name: "Me", detail: "what you wrote", icon: "person" }] : []);

const somebody = ({ handle, id, type, name, presence }) => ({ value: `@${handle}`, name, detail: `@${handle}`, type, presence, initials: initials(name), hue: hue(id) });

async function places(word) {
  let found;
  try {
    found = (await call("GET", `/switcher?q=${encodeURIComponent(word)}`)).places;
  } catch {
    return [];
  }
  return found.slice(0, MOST).map(place).filter(Boolean);
}

function place({ type, id, name, detail, kind, access }) {
  if (type !== "conversation") return somebody({ handle: detail, id, type, name, presence: null });
  if (kind === "channel") return { value: `#${name}`, name, detail, icon: access === "private" ? "lock" : "channel" };
  return { value: id, name: name || "Only you", detail, icon: "group" };
}

class Search extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("input");
    const alone = field.dataset.completes;
    const operators = alone ? [alone] : ["from", "in", ...Object.keys(WORDS)];
    const completion = new Completion(field, this.querySelector("[role=listbox]"), operators.map((one) => new Values(field, one, Boolean(alone))));
    field.addEventListener("keydown", (event) => !event.isComposing && completion.onKey(event));
    document.addEventListener("turbo:before-cache", () => completion.close(), { once: true });
  }
}

customElements.define("crew-search", Search);
