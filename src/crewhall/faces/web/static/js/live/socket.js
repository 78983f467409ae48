// One live socket per tab. It remembers the last seq of each followed conversation and resumes from there, so that a
// reconnect misses nothing and shows nothing twice.

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 8000;
const PING_MS = 25000;
const PONG_MS = 10000;
const WAKING_PONG_MS = 3000; // who comes back to the machine looks at the page now
const CONNECT_MS = 10000;
const STALE_MS = 5000;
const SIGNED_OUT = 4401;
const REFUSED = 4403;
const TOO_MANY = 4429;

class Live extends EventTarget {
  state = "stopped";
  #viewer = null;
  #socket = null;
  #followed = new Map();
  #retry = FIRST_RETRY_MS;
  #timer = null;
  #alive = null;
  #lost = false;
  #heard = 0;
  #ticked = 0;

  constructor() {
    super();
    for (const type of ["online", "focus", "pageshow"]) window.addEventListener(type, () => this.#wake());
    document.addEventListener("visibilitychange", () => !document.hidden && this.#wake());
  }

  /** Connect for the signed-in person; another person gets another socket. */
  start(viewer) {
    if (this.#viewer === viewer) return;
    this.stop();
    this.#viewer = viewer;
    this.#connect();
  }

  /** Hang up. */
  stop() {
    this.#viewer = null;
    clearTimeout(this.#timer);
    this.#drop();
    this.#setState("stopped");
  }

  /** Call back with each frame of a conversation, its records after the seq `after`. Returns how to stop. */
  follow(conversation, after, listener) {
    let entry = this.#followed.get(conversation);
    const known = entry && after >= entry.after;
    if (!entry) this.#followed.set(conversation, (entry = { after, listeners: new Map() }));
    entry.after = Math.min(entry.after, after);
    entry.listeners.set(listener, after);
    if (!known) this.#subscribe(conversation, entry);
    return () => {
      entry.listeners.delete(listener);
      if (entry.listeners.size) return;
      // A page that follows the same conversation may come right after: let it find the subscription.
      setTimeout(() => this.#release(conversation, entry), 1000);
    };
  }

  /** Say something that need not arrive (typing). */
  whisper(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #release(conversation, entry) {
    if (entry.listeners.size || this.#followed.get(conversation) !== entry) return;
    this.#followed.delete(conversation);
    this.whisper({ type: "unsubscribe", conversation });
  }

  #subscribe(conversation, entry) {
    this.whisper({ type: "subscribe", conversation, after: entry.after });
  }

  #connect() {
    clearTimeout(this.#timer);
    this.#setState("connecting");
    const address = new URL("/api/v1/live", window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(address));
    socket.onopen = () => this.#onOpen();
    socket.onmessage = (event) => this.#onFrame(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#onClose(event.code);
    this.#timer = setTimeout(() => this.#lose(), CONNECT_MS);
  }

  #onOpen() {
    clearTimeout(this.#timer);
    this.#retry = FIRST_RETRY_MS;
    this.#heard = this.#ticked = Date.now();
    for (const [conversation, entry] of this.#followed) this.#subscribe(conversation, entry);
    this.#alive = setInterval(() => this.#tick(), PING_MS);
    this.#setState("open");
    if (this.#lost) this.dispatchEvent(new Event("back"));
    this.#lost = false;
  }

  /** A tick that comes late says that the machine slept: the socket may be gone without having closed. */
  #tick() {
    const late = Date.now() - this.#ticked > 2 * PING_MS;
    this.#ticked = Date.now();
    this.#ping(late ? WAKING_PONG_MS : PONG_MS);
  }

  #ping(patience) {
    this.whisper({ type: "ping" });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#lose(), patience);
  }

  #onFrame(frame) {
    clearTimeout(this.#timer);
    this.#heard = Date.now();
    if (frame.type === "ephemeral" && frame.event !== "typing") {
      this.dispatchEvent(new CustomEvent(frame.event, { detail: frame })); // presence, joined, approval, notification
      return;
    }
    const entry = frame.conversation && this.#followed.get(frame.conversation);
    if (!entry) return;
    if (frame.type === "record" || frame.type === "resumed") entry.after = Math.max(entry.after, frame.seq);
    for (const [listener, seen] of [...entry.listeners]) {
      if (frame.type === "record") {
        if (frame.seq <= seen) continue;
        entry.listeners.set(listener, frame.seq);
      }
      listener(frame);
    }
  }

  #onClose(code) {
    this.#drop();
    if (code === TOO_MANY) this.#retry = LAST_RETRY_MS; // another tab must close first
    if (code === SIGNED_OUT) this.#askWho();
    else if (code === REFUSED) this.#setState("refused");
    else this.#retryLater();
  }

  /** The login has ended, or merely changed (another role, another name). */
  async #askWho() {
    const answer = await fetch("/api/v1/me").catch(() => null);
    if (answer?.status !== 401) {
      this.#retryLater();
      return;
    }
    this.#setState("stopped");
    this.dispatchEvent(new Event("signed-out"));
  }

  #lose() {
    this.#drop();
    this.#retryLater();
  }

  #retryLater() {
    this.#setState("away");
    this.#lost = true;
    this.#timer = setTimeout(() => this.#connect(), this.#retry * (0.5 + Math.random()));
    this.#retry = Math.min(this.#retry * 2, LAST_RETRY_MS);
  }

  /** Somebody looks again, or the network is back: do not wait for the next try, nor trust a socket that was silent. */
  #wake() {
    if (this.state === "away") {
      this.#retry = FIRST_RETRY_MS;
      this.#connect();
    } else if (this.state === "open" && Date.now() - this.#heard > STALE_MS) this.#ping(WAKING_PONG_MS);
  }

  #drop() {
    clearInterval(this.#alive);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

export const live = new Live();
