"""The parts that decide: the marker, the pauses, and frames that a newer server may send."""

from itertools import islice

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from crewhall.faces.sdk.backoff import delays
from crewhall.faces.sdk.frames import Ack, RecordEvent, frame, read_frame
from crewhall.faces.sdk.marker import Marker
from crewhall.faces.sdk.records import Change, Delivery, Message
from crewhall.faces.sdk.resources import ConversationRef
from crewhall.faces.sdk.transport import join

MESSAGE = {
    "id": "m", "conversation_id": "c", "seq": 7, "type": "message",
    "author": {"type": "user", "id": "u", "name": "Ada"},
    "content": "hi", "created_at": "2026-11-22T06:00:00.000000+00:00", "something_new": {"from": "a later server"},
}  # fmt: skip


@given(st.permutations(range(1, 30)), st.integers(0, 29))
def test_the_marker_never_passes_what_is_not_finished(order: list[int], finished: int) -> None:
    marker = Marker("c", 0)
    for seq in range(1, 30):
        marker.begin(seq)
    for seq in order[:finished]:
        marker.finish(seq)
    still_open = sorted(order[finished:])
    assert marker.seq == (still_open[0] - 1 if still_open else 29)


def test_a_direct_conversation_is_called_by_who_is_in_it() -> None:
    shown = {"id": "c", "kind": "direct", "name": None, "title": None, "partner": "Scout"}
    assert msgspec.convert(shown, ConversationRef).label == "Scout"
    assert msgspec.convert(shown | {"partner": None}, ConversationRef).label == "c"


def test_what_needs_nothing_moves_the_marker_too() -> None:
    marker = Marker("c", 5)
    marker.finish(9)
    assert (marker.seq, marker.saved) == (9, 5)
    marker.begin(12)
    assert marker.seq == 11


def test_pauses_grow_to_a_limit_and_are_not_alike() -> None:
    pauses = list(islice(delays(first=1, last=8), 8))
    for pause, longest in zip(pauses, (1, 2, 4, 8, 8, 8, 8, 8), strict=True):
        assert longest / 2 <= pause <= longest
    assert pauses != list(islice(delays(first=1, last=8), 8))


def test_records_are_read_by_their_type_and_unknown_fields_ignored() -> None:
    def read(record: dict[str, object]) -> object:
        frame = {"type": "record", "conversation": "c", "seq": 7, "record": record}
        event = read_frame(msgspec.json.encode(frame))
        assert isinstance(event, RecordEvent)
        return event.record

    assert isinstance(read(MESSAGE), Message)
    delivery = read({**MESSAGE, "type": "delivery", "metadata": {"reason": "mention", "message": MESSAGE}})
    assert isinstance(delivery, Delivery)
    assert delivery.metadata.message.content == "hi"
    for kind in ("edit", "reaction", "something-new"):
        assert isinstance(read({**MESSAGE, "type": kind}), Change)


def test_frames_that_carry_nothing_or_are_not_known_are_passed_over() -> None:
    assert read_frame('{"type":"pong"}') is None
    assert read_frame('{"type":"fanfare","volume":11}') is None
    ack = '{"type":"ack","conversation":"c","client_id":"x","id":"m","seq":1,"created_at":"2026-11-22T06:00:00Z"}'
    assert isinstance(read_frame(ack), Ack)


def test_now_is_said_and_what_is_not_given_is_not() -> None:
    assert msgspec.json.decode(frame("subscribe", conversation="c", after=None)) == {
        "type": "subscribe", "conversation": "c", "after": None,
    }  # fmt: skip
    assert "title" not in frame("post", title=None)


def test_ids_and_emoji_cannot_leave_their_place_in_the_path() -> None:
    assert join("agents", "../people") == "/agents/..%2Fpeople"
    assert join("reactions", "👍") == "/reactions/%F0%9F%91%8D"
