// Calls to the JSON API. What the server refuses becomes a Problem with its stable code and its sentence.

export class Problem extends Error {
  constructor(status, details) {
    super(details.detail ?? "Something went wrong.");
    this.status = status;
    this.code = details.code ?? "internal";
    this.details = details;
  }
}

/**
 * Call the API; returns what it answers, null when nothing. Throws Problem, or TypeError without a connection.
 * With `keepalive` it is sent to its end even when the page is left.
 */
export async function call(method, path, body, { keepalive = false } = {}) {
  const response = await fetch(`/api/v1${path}`, {
    method,
    headers: { accept: "application/json", ...(body === undefined ? {} : { "content-type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    keepalive,
  });
  const text = await response.text();
  if (!response.ok) throw new Problem(response.status, detailsOf(text));
  return text ? JSON.parse(text) : null;
}

/** POST, and hand over each event of the answer while it comes. Throws as `call`, and when the signal stops it. */
export async function stream(path, body, onEvent, signal) {
  const response = await fetch(`/api/v1${path}`, {
    method: "POST",
    headers: { accept: "text/event-stream", "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
    signal,
  });
  if (!response.ok) throw new Problem(response.status, detailsOf(await response.text()));
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (waiting + part.value).split("\n\n");
    waiting = events.pop();
    for (const event of events) {
      const data = event.split("\n").find((line) => line.startsWith("data: "));
      if (data) onEvent(JSON.parse(data.slice(6)));
    }
  }
}

function detailsOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
