// Commands: a line that begins with `/` is looked up here; what is none is an ordinary message.

import { call } from "../api.js";
import { render } from "../live/render.js";
import { toast, toastError } from "../shell/toasts.js";
import { replaceText } from "./textarea.js";

const NAME = /^\/([a-z0-9-]*)$/i;
const LINE = /^\/([a-z0-9][a-z0-9-]*)(?:\s|$)/i;
const FRESH_MS = 30000;

export class Slash {
  label = "Commands";
  #known = null;
  #askedAt = 0;
  #asked = "";

  /** `run(line)` lets the composer carry a chosen command out. */
  constructor(text, conversation, parent, run) {
    this.text = text;
    this.path = `/conversations/${conversation}/commands`;
    this.parent = parent || null;
    this.run = run;
  }

  word(before) {
    return NAME.exec(before)?.[1] ?? null;
  }

  async find(word) {
    const wanted = word.toLowerCase();
    const all = await this.#all();
    const hit = ({ name, title }) => name.startsWith(wanted) || title.toLowerCase().includes(wanted);
    return all.filter(hit).sort((a, b) => b.name.startsWith(wanted) - a.name.startsWith(wanted));
  }

  option(command) {
    const { usage, title, icon, agent_name: agent } = command;
    return render("command-option", { usage, title: agent ? `${title} · ${agent}` : title, icon });
  }

  /** What needs no further words is done at once; of the others the name is completed. */
  take(command) {
    if (command.source === "quick_task") this.run(`/${command.name}`);
    else replaceText(this.text, `/${command.name} `, 0, this.text.selectionStart);
  }

  /** Carry a line out: true when it was done, false when it is an ordinary message, null when it was refused. */
  async carryOut(line) {
    const name = LINE.exec(line)?.[1].toLowerCase();
    const known = name ? await this.#all() : [];
    if (!known.length) return false;
    if (!known.some((command) => command.name === name)) return this.#ask(name, line);
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const body = { line, timezone: timeZone || "UTC", ...(this.parent ? { parent_id: this.parent } : {}) };
    try {
      toast((await call("POST", this.path, body)).said);
      return true;
    } catch (error) {
      if (error.status === 404) return false;
      toastError(error);
      return null;
    }
  }

  /** A word after a slash that is no command may be one of another place's: asked once, then it is what it is. */
  #ask(name, line) {
    if (this.#asked === line) return false;
    this.#asked = line;
    toast(`There is no /${name} here. Send once more to post it as it stands; / lists what there is.`);
    return null;
  }

  async #all() {
    if (!this.#known || Date.now() - this.#askedAt > FRESH_MS) {
      this.#known = call("GET", this.path + (this.parent ? `?parent=${this.parent}` : ""));
      this.#askedAt = Date.now();
    }
    try {
      return (await this.#known).items;
    } catch {
      this.#known = null;
      return [];
    }
  }
}
