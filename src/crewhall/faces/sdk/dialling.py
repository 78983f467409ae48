"""Opening the live socket of one actor, and what a refusal or a close means."""

from collections.abc import Callable
from http import HTTPStatus

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from crewhall.faces.sdk.errors import CrewhallApiError, SignedOut
from crewhall.faces.sdk.transport import API, USER_AGENT, Transport

SIGNED_OUT = 4401
ORIGIN_REFUSED = 4403
MAX_FRAME = 16 * 1024 * 1024
OPEN_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 2.0


async def dial(transport: Transport, token: str) -> ClientConnection:
    """Open the socket. Its own pings are off: the client watches it (`watch.py`)."""
    url = "ws" + transport.base_url.removeprefix("http") + API + "/live"
    return await connect(
        url,
        additional_headers=transport.headers(token),
        user_agent_header=USER_AGENT,
        compression=None,
        proxy=None if transport.is_loopback else True,
        open_timeout=OPEN_TIMEOUT_S,
        close_timeout=CLOSE_TIMEOUT_S,
        ping_interval=None,
        max_size=MAX_FRAME,
    )


def refusal_of(error: Exception) -> CrewhallApiError | None:
    """The refusal behind a failed or closed connection; None when trying again may help."""
    if isinstance(error, InvalidStatus):
        return _REFUSALS.get(error.response.status_code, _nothing)()
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        return _REFUSALS.get(error.rcvd.code, _nothing)()
    return None


def _nothing() -> CrewhallApiError | None:
    return None


def _signed_out() -> CrewhallApiError:
    return SignedOut("unauthenticated", HTTPStatus.UNAUTHORIZED, "The token or key was refused or revoked.")


def _forbidden() -> CrewhallApiError:
    return CrewhallApiError("forbidden", HTTPStatus.FORBIDDEN, "The live connection was refused.")


_REFUSALS: dict[int, Callable[[], CrewhallApiError | None]] = {
    HTTPStatus.UNAUTHORIZED: _signed_out,
    SIGNED_OUT: _signed_out,
    HTTPStatus.FORBIDDEN: _forbidden,
    ORIGIN_REFUSED: _forbidden,
}
