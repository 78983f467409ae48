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
    this.onClick = (event) => this.#onFold(event);
    element.addEventListener("scroll", this.onScroll, { passive: true });
    element.addEventListener("click", this.onClick);
    this.#watch = new ResizeObserver(() => this.following && this.toFoot());
    this.#watch.observe(element);
    this.#watch.observe(element.firstElementChild);
  }

  stop() {
    this.#watch.disconnect();
    this.element.removeEventListener("scroll", this.onScroll);
    this.element.removeEventListener("click", this.onClick);
  }

  get fromFoot() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight;
  }

  toFoot() {
    this.following = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** Show an element, in the middle unless told. */
  show(element, block = "center") {
    this.following = false;
    element.scrollIntoView({ block });
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
    const { top, bottom } = this.element.getBoundingClientRect();
    const items = [...this.element.querySelectorAll(".message")];
    const first = items.find((item, at) => at > 0 && item.getBoundingClientRect().bottom > top);
    return first && first.getBoundingClientRect().top < bottom ? first : items[0];
  }

  /** Who unfolds a message reads on where they are; who folds it again still sees it. */
  #onFold(event) {
    const fold = event.target.closest(".fold > summary")?.parentElement;
    if (!fold) return;
    this.following = false;
    const settle = () => {
      if (!fold.open) fold.closest(".message").scrollIntoView({ block: "nearest" });
      this.#onScroll();
    };
    fold.addEventListener("toggle", settle, { once: true });
  }

  #onScroll() {
    this.following = this.fromFoot < FOOT_PX && this.isWhole();
    if (this.element.scrollTop < NEAR_PX) this.told.onNearTop?.();
    if (this.fromFoot < NEAR_PX) this.told.onNearFoot?.();
    if (this.following) this.told.onFoot?.();
  }
}
