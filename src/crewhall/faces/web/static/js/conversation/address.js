// Where a message is found again.

/** The address of a message; of a reply it opens the thread too. */
export function addressOf(conversation, { dataset: { seq, parent } }) {
  return `${location.origin}/c/${conversation}?${parent ? `thread=${parent}&` : ""}at=${seq}`;
}
