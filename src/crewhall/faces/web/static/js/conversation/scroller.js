// Where the reader is in a stream: at the foot it follows, elsewhere it holds still whatever is added.

const FOOT_PX = 48;
const NEAR_PX = 900;

export class Scroller {
  #watch;

  /**
   * `onNearTop`, `onNearFoot` and `onFoot` are told when the reader comes there. `isWhole` tells whether the foot is that
   * of the conversation, not of a window of it whose newer messages are still to come: only there the reader follows.
   */
  constructor(element, { onNearTop, onNearFoot, onFoot, isWhole = () => true }) {
    this.element = element;
    this.following = true;
    this.told = { onNearTop, onNearFoot, onFoot };
    this.isWhole = isWhole;
    this.onScroll = () => this.#onScroll();
    element.addEventListener("scroll", this.onScroll, { passive: true });
    this.#watch = new ResizeObserver(() => this.following && this.toFoot());
    this.#watch.observe(element);
    this.#watch.observe(element.firstElementChild);
  }

  stop() {
    this.#watch.disconnect();
    this.element.removeEventListener("scroll", this.onScroll);
  }

  get fromFoot() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight;
  }

  toFoot() {
    this.following = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** Show an element in the middle. */
  show(element) {
    this.following = false;
    element.scrollIntoView({ block: "center" });
  }

  /** Change what is shown; the reader stays at the foot, or keeps what is in view where it is. */
  hold(change) {
    if (this.following) {
      change();
      this.toFoot();
      return;
    }
    const anchor = this.#firstInView();
    const before = anchor?.getBoundingClientRect().top;
    change();
    if (anchor?.isConnected) this.element.scrollTop += anchor.getBoundingClientRect().top - before;
  }

  /** Not the very first message: it may come to stand under the name of one put above it, and shrink. */
  #firstInView() {
    const top = this.element.getBoundingClientRect().top;
    const items = [...this.element.querySelectorAll(".message")];
    return items.find((item, at) => at > 0 && item.getBoundingClientRect().bottom > top) ?? items[0];
  }

  #onScroll() {
    this.following = this.fromFoot < FOOT_PX && this.isWhole();
    if (this.element.scrollTop < NEAR_PX) this.told.onNearTop?.();
    if (this.fromFoot < NEAR_PX) this.told.onNearFoot?.();
    if (this.following) this.told.onFoot?.();
  }
}
