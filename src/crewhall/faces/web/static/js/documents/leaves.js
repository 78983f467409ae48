// Pictures of a document's pages: one that could not be drawn just now, because many are being, is asked for again.

const MOST = 4;
const WAIT_MS = 3000;

document.addEventListener(
  "error",
  ({ target }) => {
    if (!target.matches?.(".leafed img")) return;
    const tries = Number(target.dataset.tries ?? 0) + 1;
    if (tries > MOST) return;
    target.dataset.tries = tries;
    setTimeout(() => target.isConnected && (target.srcset += ""), tries * WAIT_MS);
  },
  true, // errors of pictures do not bubble
);
