// The window of a long conversation that stands on the page: older and newer pages come as the reader nears an end, and
// what is far away on the other side goes, so that ten thousand messages scroll like fifty.

import { call } from "../api.js";
import { originOf } from "../live/view.js";
import { arrange } from "./arrange.js";

const PAGE = 50;
const MOST = 300;

export class History {
  #loading = null;
  #meanwhile = [];
  #beyond = 0;

  /** `older` and `newer` say what exists beyond what stands; with `parent` it is the thread of that message. */
  constructor(conversation, stream, scroller, { older, newer, parent = null }, onChange) {
    this.conversation = conversation;
    this.thread = parent ? `&parent=${parent}` : "";
    this.stream = stream;
    this.scroller = scroller;
    this.hasOlder = older;
    this.hasNewer = newer;
    this.onChange = onChange;
  }

  async older() {
    if (!this.hasOlder || this.#loading) return;
    await this.#load(`before=${this.stream.first?.dataset.seq ?? ""}`, (page) => {
      this.hasOlder = page.length === PAGE;
      this.stream.put(page);
      this.#trim((items) => items.slice(MOST), () => (this.hasNewer = true));
    });
  }

  async newer() {
    if (!this.hasNewer || this.#loading) return;
    await this.#load(`after=${this.stream.last?.dataset.seq ?? 0}`, (page) => {
      this.stream.put(page);
      this.hasNewer = page.length === PAGE || this.#isBehind();
      this.#trim((items) => items.slice(0, Math.max(0, items.length - MOST)), () => (this.hasOlder = true));
    });
  }

  /** Go to the newest messages, wherever the window is. */
  async newest(lastSeq) {
    if (this.hasNewer) {
      await this.#load(`before=${lastSeq + 1}`, (page) => {
        this.stream.list.replaceChildren();
        this.stream.put(page);
        this.hasOlder = page.length === PAGE;
        this.hasNewer = this.#isBehind();
        this.scroller.following = true;
      });
      await this.newer(); // what was posted while the page was on its way
    }
    this.scroller.toFoot();
  }

  /** Whether it leaves a message out: what was written elsewhere comes by the thousand, and who wants to read it fetches it. */
  leaves(message) {
    if (!originOf(message)) return false;
    if (!this.hasNewer) {
      this.hasNewer = true;
      this.onChange();
    }
    return true;
  }

  /** Hear of a record while it may have no place in the window: a page on its way may have been read before it. */
  heard(record) {
    if (record.type === "message") this.#beyond = Math.max(this.#beyond, record.seq);
    else if (this.#loading) this.#meanwhile.push(record);
  }

  #isBehind() {
    return this.#beyond > Number(this.stream.last?.dataset.seq ?? 0);
  }

  /** While the reader follows the foot, keep the window bounded. */
  bound() {
    if (this.stream.list.childElementCount <= MOST + PAGE) return;
    this.scroller.hold(() => {
      this.#trim((items) => items.slice(0, items.length - MOST), () => (this.hasOlder = true));
      this.onChange();
    });
  }

  /** Take a page. What is asked for last counts: a page still on its way belongs to a window that is left. */
  async #load(query, take) {
    const load = (this.#loading = {});
    this.#meanwhile = [];
    try {
      const { items } = await call("GET", `/conversations/${this.conversation}/messages?${query}&limit=${PAGE}${this.thread}`);
      if (this.#loading !== load || !this.stream.list.isConnected) return;
      this.scroller.hold(() => {
        take(items);
        for (const record of this.#meanwhile) this.stream.lay(record);
        this.onChange();
      });
    } catch {
      // The reader scrolls again, or the banner says that the connection is away.
    } finally {
      if (this.#loading === load) this.#loading = null;
    }
  }

  #trim(choose, onTrimmed) {
    const far = choose(this.stream.items());
    if (!far.length) return;
    for (const item of far) item.remove();
    arrange(this.stream.list);
    onTrimmed();
  }
}
