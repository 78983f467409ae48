// The page anew because of what others did, and never in the way of where one is going oneself.

import * as Turbo from "../../vendor/turbo.js";

const PAUSE_MS = 200;
const MOST_WAITS = 50;
const GOING = "html[aria-busy], form[aria-busy]"; // a page or the answer to a form is on its way
let isMissed = false;

export class Anew {
  /** `isInTheWay` says, when the moment comes, whether somebody is at work who is not to be disturbed. */
  constructor(isInTheWay = () => false, pauseMs = PAUSE_MS) {
    this.isInTheWay = isInTheWay;
    this.pauseMs = pauseMs;
    if (isMissed) this.soon();
    isMissed = false;
  }

  /** Ask for the page in a moment, once for all that comes meanwhile. */
  soon(waits = 0) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#show(waits), this.pauseMs);
  }

  /** Ask for it no more: the page that comes instead may have been written before what happened, and asks itself. */
  stop() {
    isMissed = Boolean(this.timer);
    this.forget();
  }

  /** Ask for it no more. */
  forget() {
    clearTimeout(this.timer);
    this.timer = null;
  }

  #show(waits) {
    this.timer = null;
    if (this.isInTheWay()) return;
    if (waits < MOST_WAITS && document.querySelector(GOING)) this.soon(waits + 1);
    else Turbo.visit(location.href, { action: "replace" });
  }
}

document.addEventListener("turbo:load", () => (isMissed = false)); // it was for the page that came then
