// The window of a long conversation that stands on the page: older and newer pages come as the reader nears an end, and
// what is far away on the other side goes, so that ten thousand messages scroll like fifty.

import { call } from "../api.js";
import { arrange } from "./arrange.js";

const PAGE = 50;
const MOST = 300;

export class History {
  #loading = false;

  /** `more` says whether older and newer messages exist beyond what stands. */
  constructor(conversation, stream, scroller, { older, newer }, onChange) {
    this.conversation = conversation;
    this.stream = stream;
    this.scroller = scroller;
    this.hasOlder = older;
    this.hasNewer = newer;
    this.onChange = onChange;
  }

  async older() {
    if (!this.hasOlder) return;
    await this.#load(`before=${this.stream.first?.dataset.seq ?? ""}`, (page) => {
      this.hasOlder = page.length === PAGE;
      this.stream.put(page);
      this.#trim((items) => items.slice(MOST), () => (this.hasNewer = true));
    });
  }

  async newer() {
    if (!this.hasNewer) return;
    await this.#load(`after=${this.stream.last?.dataset.seq ?? 0}`, (page) => {
      this.hasNewer = page.length === PAGE;
      this.stream.put(page);
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
        this.hasNewer = false;
        this.scroller.following = true;
      });
    }
    this.scroller.toFoot();
  }

  /** While the reader follows the foot, keep the window bounded. */
  bound() {
    if (this.stream.list.childElementCount <= MOST + PAGE) return;
    this.scroller.hold(() => {
      this.#trim((items) => items.slice(0, items.length - MOST), () => (this.hasOlder = true));
      this.onChange();
    });
  }

  async #load(query, take) {
    if (this.#loading) return;
    this.#loading = true;
    try {
      const { items } = await call("GET", `/conversations/${this.conversation}/messages?${query}&limit=${PAGE}`);
      if (!this.stream.list.isConnected) return;
      this.scroller.hold(() => {
        take(items);
        this.onChange();
      });
    } catch {
      // The reader scrolls again, or the banner says that the connection is away.
    } finally {
      this.#loading = false;
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
