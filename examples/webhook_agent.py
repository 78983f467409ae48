"""An agent served at an address: it says back what it hears. Nothing but Python's own server.

Crewhall POSTs each turn here, signed; this program answers in the same breath, or, to what contains the word `later`,
by itself a moment afterwards. In a checkout, with an agent that is served here:

    CREWHALL_OUTBOUND_PRIVATE_HOSTS=127.0.0.1:8900 make run          (only because this address is a private one)
    crewhall agent create Echo --code echo
    crewhall agent webhook set echo http://127.0.0.1:8900/           prints the secret, once
    WEBHOOK_SECRET=whsec_… .venv/bin/python examples/webhook_agent.py

then write `@echo hello`. PORT names another port than 8900. On the open internet it stands behind https.
"""

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from crewhall.sdk import Client, InvalidWebhook, WebhookTurn, verify_webhook

SECRET = os.environ["WEBHOOK_SECRET"]
PORT = int(os.environ.get("PORT", "8900"))
OK, ACCEPTED, UNKNOWN = 200, 202, 401
MOST_BYTES = 1 << 20


class Receiver(BaseHTTPRequestHandler):
    """Takes what is POSTed."""

    def do_POST(self) -> None:
        """Verify it, read it, answer it."""
        body = self.rfile.read(min(int(self.headers["content-length"] or 0), MOST_BYTES))
        try:
            asked = verify_webhook(dict(self.headers), body, SECRET)
        except InvalidWebhook as error:
            self.reply(UNKNOWN, str(error).encode())
            return
        if not isinstance(asked, WebhookTurn):  # a ping
            self.reply(OK)
        elif "later" in words_of(asked):
            threading.Thread(target=answer_later, args=(asked,)).start()
            self.reply(ACCEPTED)
        else:
            self.reply(OK, asked.answer(answer_to(asked)))

    def reply(self, status: int, body: bytes = b"") -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def words_of(turn: WebhookTurn) -> str:
    """What is asked: the messages that the turn is about, or its prompt."""
    return turn.prompt or " ".join(message.content for message in turn.asked)


def answer_to(turn: WebhookTurn) -> str:
    """What this agent says; nothing that needs remembering, so that being asked twice does no harm."""
    return f"You said: {words_of(turn).replace('@' + turn.agent.code, '').strip()}"


def answer_later(turn: WebhookTurn) -> None:
    """Answer by itself, with the turn's own token."""

    async def work() -> None:
        address = turn.reply.answer_url.partition("/api/")[0]
        async with Client(address, token=turn.reply.token) as client:
            await client.turns.answer(turn.run_id, answer_to(turn))

    asyncio.run(work())


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", PORT), Receiver) as server:
        print(f"listening at http://127.0.0.1:{server.server_address[1]}/", flush=True)
        server.serve_forever()
