// Answers may come in another order than they were asked for, and an older one says what was.

export class Newest {
  #asked = 0;
  #shown = 0;

  /** To be called before something is asked; says of the answer whether it is newer than what was shown. */
  ask() {
    const asked = (this.#asked += 1);
    return () => {
      if (asked <= this.#shown) return false;
      this.#shown = asked;
      return true;
    };
  }
}
