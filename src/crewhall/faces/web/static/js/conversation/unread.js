// Taking up reading at a message the next time: it and what follows are unread again.

import { toast, toastError } from "../shell/toasts.js";
import { drawUnreadLine } from "./arrange.js";

/** Mark a message of the open conversation, and what follows it, as unread. */
export async function markUnread({ stream, scroller, read, viewer }, message) {
  const item = stream.find(message.dataset.message);
  const items = item ? stream.items() : [];
  const following = items.slice(items.indexOf(item));
  const count = following.filter((one) => one.dataset.authorId !== viewer && one.dataset.seq !== "0").length;
  try {
    await read.moveBack(Number(message.dataset.seq), count);
  } catch (error) {
    toastError(error);
    return;
  }
  if (item) scroller.hold(() => drawUnreadLine(stream.list, item));
  toast("Unread from here on.");
}
