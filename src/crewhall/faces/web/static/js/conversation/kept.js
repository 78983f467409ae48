// Words that the server does not have yet, kept in this browser: each tab's its own, so that none writes over another's.

const LEFT_MS = 5000;

/** This tab, as long as it lives, reloads included. */
function tab() {
  const id = sessionStorage.getItem("crewhall:tab") ?? crypto.randomUUID();
  sessionStorage.setItem("crewhall:tab", id);
  return id;
}

export class Kept {
  /** `place` names the conversation, the thread and whose words they are. */
  constructor(place) {
    this.prefix = `crewhall:draft:${place}:`;
    this.key = this.prefix + tab();
  }

  /** What this tab kept, else what a tab that is gone left behind; null when nothing. */
  find() {
    const own = localStorage.getItem(this.key);
    return own ? JSON.parse(own) : this.#left();
  }

  keep(words, version) {
    localStorage.setItem(this.key, JSON.stringify({ ...words, version, at: Date.now() }));
  }

  forget() {
    localStorage.removeItem(this.key);
  }

  #left() {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.prefix)) continue;
      const left = JSON.parse(localStorage.getItem(key));
      if (Date.now() - left.at < LEFT_MS) continue; // its tab is at it
      localStorage.removeItem(key);
      return left;
    }
    return null;
  }
}
