"""GitHub's API through githubkit: its ways to sign in, its reading of limits. Imported with the first request."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crewhall.kernel.errors import CrewhallError
from crewhall.ports.github import GITHUB_AWAY, GITHUB_LIMITED, GITHUB_REFUSED, Access, GithubAnswer

if TYPE_CHECKING:
    import httpx
    from githubkit import GitHub

TIME_S = 30.0
MOST_CLIENTS = 32
LEAST_WAIT_S = 1.0
NOT_MODIFIED, SERVER_ERROR = 304, 500
_LINK = re.compile(r'<[^>]*[?&]page=(\d+)[^>]*>;\s*rel="last"')


class KitGithub:
    """GitHub at an address that the operator names."""

    def __init__(self, address: str, transport: "httpx.AsyncBaseTransport | None" = None) -> None:
        """`transport` answers in place of the network."""
        self._address = address
        self._transport = transport
        self._clients: dict[Access, GitHub[Any]] = {}

    async def ask(
        self,
        access: Access,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | int] | None = None,
        json: Any = None,
        etag: str | None = None,
    ) -> GithubAnswer:
        """See Github."""
        from githubkit import exception

        headers = {"if-none-match": etag} if etag else None
        try:
            found = await self._client(access).arequest(
                method, path, params=dict(params) if params else None, json=json, headers=headers
            )
        except exception.RateLimitExceeded as error:
            wait_s = max(error.retry_after.total_seconds(), LEAST_WAIT_S)
            raise GITHUB_LIMITED(f"GitHub asks us to wait for {wait_s:.0f} s.", wait_s=wait_s) from None
        except exception.RequestFailed as error:
            raise _refusal(error.response.raw_response) from None
        except (exception.RequestError, exception.AuthCredentialError, ValueError) as error:
            raise _failure(error) from None
        return _answer(found.raw_response)

    async def close(self) -> None:
        """See Github."""
        self._clients.clear()

    def _client(self, access: Access) -> "GitHub[Any]":
        """A client for each access: an app's keeps the tokens of its installations for as long as they are good."""
        found = self._clients.get(access)
        if found is None:
            while len(self._clients) >= MOST_CLIENTS:
                self._clients.pop(next(iter(self._clients)))
            found = self._clients[access] = self._make(access)
        return found

    def _make(self, access: Access) -> "GitHub[Any]":
        from githubkit import (
            AppAuthStrategy,
            AppInstallationAuthStrategy,
            BaseAuthStrategy,
            GitHub,
            TokenAuthStrategy,
        )

        auth: BaseAuthStrategy
        if access.app_id is None:
            auth = TokenAuthStrategy(access.secret)
        elif access.installation_id is None:
            auth = AppAuthStrategy(access.app_id, access.secret)
        else:
            auth = AppInstallationAuthStrategy(access.app_id, access.secret, access.installation_id)
        return GitHub(
            auth,
            base_url=self._address,
            user_agent="Crewhall",
            timeout=TIME_S,
            trust_env=False,
            http_cache=False,
            auto_retry=False,
            async_transport=self._transport,
        )


def _answer(response: "httpx.Response") -> GithubAnswer:
    last = _LINK.search(response.headers.get("link", ""))
    is_empty = response.status_code == NOT_MODIFIED or not response.content
    return GithubAnswer(
        status=response.status_code,
        body=None if is_empty else response.json(),
        etag=response.headers.get("etag"),
        last_page=int(last[1]) if last else None,
        has_next='rel="next"' in response.headers.get("link", ""),
    )


def _refusal(response: "httpx.Response") -> CrewhallError:
    status = response.status_code
    if status >= SERVER_ERROR:
        return GITHUB_AWAY(f"GitHub failed by itself ({status}).")
    try:
        said = str(response.json().get("message", ""))[:300]
    except (ValueError, AttributeError):
        said = ""
    return GITHUB_REFUSED(f"GitHub answered {status}{f': {said}' if said else ''}.", github_status=status)


def _failure(error: Exception) -> CrewhallError:
    """Why there was no answer. What stands in the error may hold a key, and is not repeated."""
    import httpx

    reason = error.__cause__ or error
    if isinstance(reason, (httpx.HTTPError, OSError)):
        return GITHUB_AWAY(f"There was no answer from GitHub ({type(reason).__name__}).")
    return GITHUB_REFUSED("The app's private key cannot be read. Give it whole, as it was made.", github_status=401)
