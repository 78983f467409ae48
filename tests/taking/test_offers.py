"""What servers offer: bounded, named so that models and agents can say it, told apart letter by letter."""

from typing import Any

import pytest

from crewhall.runtime.offers import MOST_TOOLS, Offer, checked, name_of


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"x": schema}}
    return schema


@pytest.mark.parametrize(
    "offer",
    [
        Offer(tool=""), Offer(tool="x" * 129), Offer(tool="a\nb"), Offer(tool="ä"),
        Offer(tool="x", description="y" * 4001),
        Offer(tool="x", schema={"type": "object", "description": "y" * 20_000}),
        Offer(tool="x", schema=nested(500)), Offer(tool="x", schema={"type": "array"}),
        Offer(tool="x", description="a\0b"), Offer(tool="x", title="\0"), Offer(tool="x", schema={"title": "a\0b"}),
    ],
)  # fmt: skip
def test_an_offer_of_any_size_or_shape_is_left_out_with_the_reason(offer):
    good, wrong = checked("tracker", [offer, Offer(tool="fine")])
    assert [one.tool for one in good] == ["fine"]
    assert len(wrong) == 1


def test_names_fit_models_and_agents_and_stay_apart():
    assert name_of("tracker", "list_issues") == "mcp-tracker-list_issues"
    assert name_of("a", "Get Issue/v2") == "mcp-a-get_issue_v2"
    assert name_of("a", "***") == "mcp-a-tool"
    long = name_of("a" * 20, "b" * 128)
    assert len(long) <= 50
    assert long != name_of("a" * 20, "b" * 127)
    many = [Offer(tool="getIssue"), Offer(tool="getissue"), *(Offer(tool=f"t{n}") for n in range(300))]
    good, wrong = checked("tracker", many)
    assert (len(good), len(wrong)) == (MOST_TOOLS, 2)
    met = name_of("tracker", "a" * 40).removeprefix("mcp-tracker-")  # what it is called once it was cut
    good, wrong = checked("tracker", [Offer(tool="a" * 40), Offer(tool=met)])
    assert ([one.tool for one in good], len(wrong)) == (["a" * 40], 1)


def test_whatever_changes_of_an_offer_changes_its_digest():
    offer = Offer(tool="x", title="t", description="d", schema={"type": "object"})
    changes: list[dict[str, Any]] = [
        {"title": "u"}, {"description": "e"}, {"schema": {}}, {"is_read_only": True}, {"is_destructive": True},
    ]  # fmt: skip
    fields = {"tool": "x", "title": "t", "description": "d", "schema": {"type": "object"}}
    assert len({offer.digest, *(Offer(**{**fields, **one}).digest for one in changes)}) == 6
