"""Names are what one sees: nothing in them turns the text around them, hides, or breaks the line."""

from typing import Any

import msgspec
import pytest

from crewhall.agents.grant_schemas import GrantAcceptance
from crewhall.agents.schemas import AgentInput, AgentPatch, ForkInput
from crewhall.conversations.schemas import ConversationChange, NewConversation
from crewhall.identity.fields import check_text
from crewhall.kernel.errors import CrewhallError
from crewhall.kernel.visible import visible_line, visible_text
from crewhall.runtime.schemas_hooks import HookPatch
from crewhall.runtime.schemas_schedules import SchedulePatch

TURNED = "Pat \u202enialp\u2066 \u200b\ufeff<b>\u061c"
SEEN = "Pat nialp <b>"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (TURNED, SEEN),
        ("  Zoë\u00a0 Ü\r\nx\x07 ", "Zoë Ü x"),
        ("Ol\u200dga\u200c", "Olga"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\U0001f469\u200d\U0001f4bb", "\U0001f469\u200d\U0001f4bb"),
        ("\u202e\u200b", ""),
    ],
)
def test_a_line_holds_what_is_seen(given, seen):
    assert visible_line(given) == seen


def test_a_text_keeps_its_lines():
    assert visible_text("Beans\n\n\u202eof the week\x07\n") == "Beans\n\nof the week\n"


@pytest.mark.parametrize("kind", [AgentInput, AgentPatch, ForkInput, HookPatch, SchedulePatch])
def test_names_of_agents_webhooks_and_schedules_are_seen(kind: type[Any]):
    assert msgspec.convert({"name": TURNED}, kind).name == SEEN
    with pytest.raises(msgspec.ValidationError, match="must not be empty"):
        msgspec.convert({"name": "\u202e"}, kind)


def test_the_name_that_a_lent_agent_has_here_is_seen():
    assert GrantAcceptance(code="x", name=TURNED).name == SEEN


def test_titles_and_descriptions_of_conversations_are_seen():
    for made in (
        NewConversation(kind="group", title=TURNED, description=TURNED),
        ConversationChange(title=TURNED, description=TURNED),
    ):
        assert made.title == SEEN
        assert made.description == "Pat nialp <b>"
    assert ConversationChange(title=None).title is None


def test_names_of_people_and_organizations_are_seen():
    assert check_text(TURNED, "name") == SEEN
    with pytest.raises(CrewhallError):
        check_text("\u202e", "name")
