"""A GitHub of a test: a few repositories in memory, answered as its API answers, by call or on a port of its own.

What it answers is held against GitHub's published schema (test_contract.py), through the models of githubkit.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crewhall.faces.http.server import bind
from crewhall.ports.github import GITHUB_AWAY, GITHUB_LIMITED, GITHUB_REFUSED, Access, GithubAnswer
from tests.github.examples import examples

TOKEN = "ghp_of_a_test_and_of_nothing_else"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


def example(event: str, field_name: str) -> dict[str, Any]:
    """A thing as GitHub tells it, to make others of."""
    found = next(one.payload[field_name] for one in examples() if one.event == event and field_name in one.payload)
    copied: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return copied


def written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Hub:
    """One repository, `octo/hall`. `failures` are answered first, in order; `asked` is what was asked.

    `unchanged` is what of that was answered 304.
    """

    name: str = "octo/hall"
    issues: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    events: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    labels: list[dict[str, Any]] = field(default_factory=list)
    suites: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    statuses: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    failures: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    lost: int = 0
    asked: list[tuple[str, str]] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    now: datetime = START
    tallest: int = 1000

    def tick(self) -> str:
        self.now += timedelta(seconds=1)
        return written(self.now)

    def number(self) -> int:
        self.tallest += 1
        return self.tallest

    def add_issue(self, **fields: Any) -> dict[str, Any]:
        number = len(self.issues) + len(self.pulls) + 1
        raw = example("issues", "issue") | {
            "id": self.number(), "number": number, "title": f"Issue {number}", "body": "", "state": "open",
            "labels": [], "assignees": [], "milestone": None, "created_at": (at := self.tick()), "updated_at": at,
            "html_url": f"https://github.com/{self.name}/issues/{number}", "author_association": "NONE",
            "type": None, "sub_issues_summary": {"total": 0, "completed": 0, "percent_completed": 0.0},
        } | fields  # fmt: skip
        self.issues[number] = raw
        return raw

    def add_pull(self, **fields: Any) -> dict[str, Any]:
        number = len(self.issues) + len(self.pulls) + 1
        raw = example("pull_request", "pull_request") | {
            "id": self.number(), "number": number, "title": f"Pull {number}", "state": "open", "merged_at": None,
            "body": "Fixes #1", "created_at": (at := self.tick()), "updated_at": at, "labels": [], "assignees": [],
        } | fields  # fmt: skip
        raw["head"] = raw["head"] | {"sha": f"{number:040x}"}
        self.pulls[number] = raw
        return raw

    def change(self, number: int, **fields: Any) -> None:
        """Somebody changes an issue there."""
        kinds = {"title": "renamed", "state": "closed", "labels": "labeled", "assignees": "assigned"}
        at = self.tick()
        told = [{"event": kinds[name], "created_at": at} for name in fields if name in kinds]
        self.events.setdefault(number, []).extend(told)
        self.issues[number] |= self._as_told(fields) | {"updated_at": at}

    def answer(
        self, method: str, path: str, params: Mapping[str, str], json: Any, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], Any]:
        self.asked.append((method, path))
        if self.failures:
            status, said = self.failures.pop(0)
            return status, said, {"message": "of the test"}
        if headers.get("authorization") != f"token {TOKEN}":
            return 401, {}, {"message": "Bad credentials"}
        status, body, page = self._route(method, path.strip("/"), params, json)
        if self.lost and method == "POST":
            self.lost -= 1
            return 502, {}, {"message": "it was done, but nobody will know"}
        tag = f'"{sha256(msgspec.json.encode(body)).hexdigest()[:20]}"'
        said = {"etag": tag, **page}
        if headers.get("if-none-match") == tag:
            self.unchanged.append(path)
            return 304, said, None
        return status, said, body

    def _route(  # noqa: C901, PLR0911, PLR0912 - a table of what is asked
        self, method: str, path: str, params: Mapping[str, str], json: Any
    ) -> tuple[int, Any, dict[str, str]]:
        if path == "user":
            return 200, {"login": "octocat"}, {}
        root = f"repos/{self.name}"
        if path == root:
            return 200, example("issues", "repository") | {"id": 7, "full_name": self.name}, {}
        match method, path.removeprefix(root + "/").split("/"):
            case "GET", ["labels"]:
                return self._page(self.labels, params)
            case "GET", ["issues"]:
                told = [*self.issues.values(), *(self._as_issue(one) for one in self.pulls.values())]
                return self._page(_since(told, params), params)
            case "POST", ["issues"]:
                return 201, self.add_issue(**self._as_told(json)), {}
            case "GET", ["issues", "comments"]:
                return self._page(_since(self.comments, params), params)
            case "GET", ["issues", number, "comments"]:
                there = [one for one in self.comments if one["issue_url"].endswith(f"/{number}")]
                return self._page(_since(there, params), params)
            case "POST", ["issues", number, "comments"]:
                return 201, self.add_comment(int(number), json["body"]), {}
            case "GET", ["issues", number, "events"]:
                return self._page(self.events.get(int(number), []), params)
            case "GET", ["issues", number] if int(number) in self.issues:
                return 200, self.issues[int(number)], {}
            case "PATCH", ["issues", number] if int(number) in self.issues:
                self.issues[int(number)] |= self._as_told(json) | {"updated_at": self.tick()}
                return 200, self.issues[int(number)], {}
            case "GET", ["pulls"]:
                by = "created_at" if params.get("sort") == "created" else "updated_at"
                told = sorted(self.pulls.values(), key=lambda one: str(one[by]), reverse=params["direction"] == "desc")
                return self._page(told, params)
            case "GET", ["pulls", number, "reviews"]:
                return self._page(self.reviews.get(int(number), []), params)
            case "GET", ["commits", sha, "check-suites"]:
                found = self.suites.get(sha, [])
                return 200, {"total_count": len(found), "check_suites": found}, {}
            case "GET", ["deployments"]:
                return self._page(self.deployments[::-1], params)
            case "GET", ["deployments", number, "statuses"]:
                return self._page(self.statuses.get(int(number), []), params)
        return 404, {"message": "Not Found"}, {}

    def add_comment(self, number: int, body: str) -> dict[str, Any]:
        at = self.tick()
        raw = example("issue_comment", "comment") | {
            "id": self.number(), "body": body, "created_at": at, "updated_at": at,
            "issue_url": f"https://api.github.com/repos/{self.name}/issues/{number}",
        }  # fmt: skip
        self.comments.append(raw)
        return raw

    def _as_told(self, fields: dict[str, Any]) -> dict[str, Any]:
        user, label = example("issues", "issue")["user"], example("label", "label")
        told = dict(fields)
        if "labels" in told:
            told["labels"] = [label | {"name": name} for name in told["labels"]]
        if "assignees" in told:
            told["assignees"] = [user | {"login": login} for login in told["assignees"]]
        return told

    def _as_issue(self, pull: dict[str, Any]) -> dict[str, Any]:
        return example("issues", "issue") | {
            "id": pull["id"] + 500_000, "number": pull["number"], "title": pull["title"], "state": pull["state"],
            "updated_at": pull["updated_at"], "pull_request": {"url": pull["url"]},
        }  # fmt: skip

    def _page(self, rows: list[dict[str, Any]], params: Mapping[str, str]) -> tuple[int, Any, dict[str, str]]:
        size, page = int(params.get("per_page", "30")), int(params.get("page", "1"))
        last = max(-(-len(rows) // size), 1)
        here = f"https://api.github.com/repositories/7/x?per_page={size}&page="
        link = f'<{here}{page + 1}>; rel="next", <{here}{last}>; rel="last"'
        return 200, rows[(page - 1) * size : page * size], {"link": link} if page < last else {}


def _since(rows: list[dict[str, Any]], params: Mapping[str, str]) -> list[dict[str, Any]]:
    fresh = [one for one in rows if one["updated_at"] >= params.get("since", "")]
    return sorted(fresh, key=lambda one: (one["updated_at"], one["id"]))


class HubGithub:
    """The port, answered by a hub at once."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

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
        headers = {"authorization": f"token {access.secret}"} | ({"if-none-match": etag} if etag else {})
        given = {name: str(value) for name, value in (params or {}).items()}
        status, said, body = self.hub.answer(method, path, given, json, headers)
        if status in {403, 429} and "retry-after" in said:
            raise GITHUB_LIMITED("GitHub asks us to wait.", wait_s=float(said["retry-after"]))
        if status >= 500:
            raise GITHUB_AWAY(f"GitHub failed by itself ({status}).")
        if status >= 400:
            raise GITHUB_REFUSED(f"GitHub answered {status}: {body['message']}.", github_status=status)
        link = said.get("link", "")
        last = int(link.rpartition("page=")[2].partition(">")[0]) if link else None
        copied = msgspec.json.decode(msgspec.json.encode(body))
        return GithubAnswer(status=status, body=copied, etag=said.get("etag"), last_page=last, has_next=bool(link))

    async def close(self) -> None:
        pass


async def _at_once(_method: str, _path: str) -> None:
    """Nothing is awaited before an answer."""


@contextlib.asynccontextmanager
async def served(hub: Hub, before_answer: Callable[[str, str], Awaitable[None]] = _at_once) -> AsyncIterator[str]:
    """The address of a hub that answers on a port. `before_answer`: awaited when what was asked is done already."""

    async def answer(request: Request) -> Response:
        params = dict(parse_qsl(request.url.query))
        raw = await request.body()
        json = msgspec.json.decode(raw) if raw else None
        status, said, body = hub.answer(request.method, request.url.path, params, json, dict(request.headers))
        await before_answer(request.method, request.url.path)
        content = b"" if body is None else msgspec.json.encode(body)
        return Response(content, status, {"content-type": "application/json", **said})

    listener = bind("127.0.0.1", 0)
    app = Starlette(routes=[Route("/{rest:path}", answer, methods=["GET", "POST", "PATCH"])])
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none"))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()
