"""GitHub through githubkit, against a server on a port, and the fake of the tests keep one contract."""

from collections.abc import AsyncIterator

import pytest

from crewhall.adapters.github import KitGithub
from crewhall.kernel.errors import CrewhallError
from crewhall.ports.github import GITHUB_AWAY, GITHUB_LIMITED, GITHUB_REFUSED, Access, Github
from tests.github.hub import TOKEN, Hub, HubGithub, served

ACCESS = Access(TOKEN)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture(params=["githubkit", "fake"])
async def github(request: pytest.FixtureRequest, hub: Hub) -> AsyncIterator[Github]:
    if request.param == "fake":
        yield HubGithub(hub)
        return
    async with served(hub) as address:
        kit = KitGithub(address)
        yield kit
        await kit.close()


async def test_answers_come_with_their_pages_and_what_has_not_changed_with_nothing(github: Github, hub: Hub):
    for _ in range(3):
        hub.add_issue()
    path = "/repos/octo/hall/issues"
    first = await github.ask(ACCESS, "GET", path, params={"per_page": 2, "page": 1})
    assert [one["number"] for one in first.body] == [1, 2]
    assert (first.status, first.has_next, first.last_page) == (200, True, 2)
    last = await github.ask(ACCESS, "GET", path, params={"per_page": 2, "page": 2})
    assert ([one["number"] for one in last.body], last.has_next) == ([3], False)
    again = await github.ask(ACCESS, "GET", path, params={"per_page": 2, "page": 2}, etag=last.etag)
    assert (again.status, again.body) == (304, None)
    made = await github.ask(ACCESS, "POST", path, json={"title": "New"})
    assert (made.status, made.body["title"]) == (201, "New")


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        ((403, {"retry-after": "90"}), GITHUB_LIMITED),
        ((502, {}), GITHUB_AWAY),
        ((404, {}), GITHUB_REFUSED),
        ((422, {}), GITHUB_REFUSED),
    ],
)
async def test_what_fails_says_how(github: Github, hub: Hub, failure: tuple[int, dict[str, str]], kind: object):
    hub.failures.append(failure)
    with pytest.raises(CrewhallError) as raised:
        await github.ask(ACCESS, "GET", "/user")
    assert raised.value.kind is kind
    if kind is GITHUB_LIMITED:
        assert 80 < raised.value.fields["wait_s"] <= 90
    if kind is GITHUB_REFUSED:
        assert raised.value.fields["github_status"] == failure[0]
    assert (await github.ask(ACCESS, "GET", "/user")).body == {"login": "octocat"}


async def test_a_wrong_token_is_refused_and_never_repeated_in_what_is_said(github: Github):
    with pytest.raises(CrewhallError) as raised:
        await github.ask(Access("ghp_wrong_and_secret"), "GET", "/user")
    assert raised.value.kind is GITHUB_REFUSED
    assert "wrong_and_secret" not in repr(raised.value.detail) + repr(Access("ghp_wrong_and_secret"))


async def test_who_does_not_answer_is_away():
    with pytest.raises(CrewhallError) as raised:
        await KitGithub("http://127.0.0.1:1").ask(ACCESS, "GET", "/user")
    assert raised.value.kind is GITHUB_AWAY


async def test_a_private_key_that_is_none_is_refused_in_words():
    with pytest.raises(CrewhallError) as raised:
        await KitGithub("http://127.0.0.1:1").ask(Access("no key", app_id=7), "GET", "/app")
    assert raised.value.kind is GITHUB_REFUSED
    assert "private key" in raised.value.detail


def test_what_the_fake_tells_is_what_github_publishes(hub: Hub):
    from githubkit_schemas.latest.models import Issue, IssueComment, PullRequestSimple

    Issue.model_validate(hub.add_issue(title="Held against the schema"))
    PullRequestSimple.model_validate(hub.add_pull() | {"auto_merge": None})
    IssueComment.model_validate(hub.add_comment(1, "Hello") | {"performed_via_github_app": None})
