// Who a message will wake, said quietly below the composer before it is sent. Asked anew only when who is named changes.

import { call } from "../api.js";
import { clock, dayKey, stamp } from "../live/view.js";

const PAUSE_MS = 350;
const KEPT_MS = 20000;
const NAMES = /@[a-z0-9][a-z0-9_.-]*/gi;

const isAway = (one) => one.is_remote && one.presence === "offline";
const soon = (moment) => (dayKey(moment) === dayKey(Date.now()) ? clock(moment) : stamp(moment));
const names = (agents) => agents.map((one) => one.agent.name).join(", ");

/** The answer in a few words: who will, who later, who will not; a single refusal with its reason. */
function inWords(agents) {
  const of = (outcome) => agents.filter((one) => one.outcome === outcome);
  const [speaks, away] = [of("speak").filter((one) => !isAway(one)), of("speak").filter(isAway)];
  const waits = of("wait").map((one) => (one.until ? `${one.agent.name} from ${soon(one.until)}` : `${one.agent.name} after its present turn`));
  const silent = of("silent");
  const parts = [];
  if (speaks.length) parts.push(`${names(speaks)} will answer`);
  if (waits.length) parts.push(`later: ${waits.join(", ")}`);
  if (away.length) parts.push(`offline, reads it later: ${names(away)}`);
  if (silent.length === 1) parts.push(silent[0].explanation + (silent[0].until ? ` There is a new one from ${stamp(silent[0].until)}.` : ""));
  if (silent.length > 1) parts.push(`will not answer: ${names(silent)}`);
  const whole = agents.map((one) => one.explanation).join("\n");
  return { text: parts.join("; "), whole, tone: silent.length === agents.length && silent.length ? "no" : "" };
}

export class Wakes {
  #asked = null;
  #askedAt = 0;
  #timer = null;

  constructor(element, conversation, parent) {
    this.element = element;
    this.conversation = conversation;
    this.parent = parent || undefined;
  }

  /** Look at the text as it stands. */
  look(text) {
    if (!this.element) return;
    clearTimeout(this.#timer);
    if (!text.trim()) {
      this.#asked = null;
      this.#show({ text: "", tone: "" });
      return;
    }
    const key = (text.match(NAMES) ?? []).sort().join(" ").toLowerCase();
    if (key === this.#asked && Date.now() - this.#askedAt < KEPT_MS) return;
    if (!key && !this.element.hasAttribute("data-always") && !this.parent) {
      this.#asked = null;
      this.#show({ text: "", tone: "" });
      return;
    }
    this.#timer = setTimeout(() => this.#ask(key, text), PAUSE_MS);
  }

  async #ask(key, content) {
    this.#asked = key;
    this.#askedAt = Date.now();
    try {
      const { agents } = await call("POST", `/conversations/${this.conversation}/messages/preview`, { content, parent_id: this.parent });
      if (this.#asked === key) this.#show(inWords(agents));
    } catch {
      this.#asked = null; // a hint only: sending says what is wrong
    }
  }

  #show({ text, whole, tone }) {
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.dataset.tone = tone;
    this.element.title = whole ?? text;
  }
}
