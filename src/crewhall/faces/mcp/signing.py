"""Requests of an MCP client, signed as the command line's are: the token renews itself, refusals are the protocol's."""

import httpx2
import msgspec

from crewhall.faces.sdk.errors import CrewhallApiError, SignedOut
from crewhall.faces.sdk.transport import Transport

INTERNAL_ERROR = -32603
SIGNED_OUT, AWAY = 401, 503


class _Problem(msgspec.Struct):
    detail: str
    code: str


class SigningTransport(httpx2.AsyncBaseTransport):
    """Sends each request as the signed-in actor, by `inner`.

    What the server, or the way to it, refuses comes back as a JSON-RPC error that says so: an MCP client reads no
    other sentence.
    """

    def __init__(self, transport: Transport, inner: httpx2.AsyncClient) -> None:
        self._transport = transport
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """See httpx2."""
        try:
            token = await self._transport.token()
            response = await self._send(request, token)
            if response.status_code == SIGNED_OUT:
                problem = await _problem_of(response)
                token = await self._transport.renew(token, SignedOut(problem.code, SIGNED_OUT, problem.detail))
                response = await self._send(request, token)
        except CrewhallApiError as error:
            return _refusal(error.status or AWAY, _Problem(error.detail, error.code))
        except httpx2.TransportError as error:
            sentence = f"{self._transport.base_url} does not answer: {str(error) or type(error).__name__}."
            return _refusal(AWAY, _Problem(sentence, "not_reachable"))
        if "problem+json" in response.headers.get("content-type", ""):
            return _refusal(response.status_code, await _problem_of(response))
        return response

    async def _send(self, request: httpx2.Request, token: str) -> httpx2.Response:
        request.headers.update(self._transport.headers(token))
        return await self._inner.send(request, stream=True)


async def _problem_of(response: httpx2.Response) -> _Problem:
    try:
        body = await response.aread()
    finally:
        await response.aclose()
    try:
        return msgspec.json.decode(body, type=_Problem)
    except msgspec.MsgspecError:
        return _Problem(f"The server answered {response.status_code}.", "unreadable_answer")


def _refusal(status: int, problem: _Problem) -> httpx2.Response:
    error = {"code": INTERNAL_ERROR, "message": problem.detail, "data": {"code": problem.code}}
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
    return httpx2.Response(status, headers={"content-type": "application/json"}, content=body)
