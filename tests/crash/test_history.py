"""The checker finds what the kill tests look for: a test that cannot fail proves nothing."""

from tests.support.history import Ack, Entry, History, delivery_faults, faults

LOG = [Entry("c", seq, f"m{seq}", "message", "ada", f"w-{seq}", "") for seq in (1, 2, 3)]


def history(*, acks: list[Ack] | None = None, seen: list[Entry] | None = None) -> History:
    made = History(acks if acks is not None else [Ack("c", "ada", f"w-{n}", n, f"m{n}") for n in (1, 2, 3)])
    made.seen["reader"]["c"] = LOG if seen is None else seen
    return made


def test_agreement_is_no_fault():
    assert faults(history(), LOG) == []


def test_a_lost_acknowledgement_is_found():
    assert faults(history(acks=[Ack("c", "ada", "w-4", 4, "m4")]), LOG)


def test_an_acknowledgement_of_another_seq_or_id_is_found():
    assert faults(history(acks=[Ack("c", "ada", "w-2", 3, "m2")]), LOG)
    assert faults(history(acks=[Ack("c", "ada", "w-2", 2, "m9")]), LOG)


def test_a_doubled_message_is_found():
    twice = [*LOG, Entry("c", 4, "m4", "message", "ada", "w-3", "")]
    assert faults(history(seen=twice), twice) == ["client id w-3 of ada is stored 2 times"]


def test_gaps_repetitions_and_disorder_are_found():
    assert faults(history(seen=LOG[1:]), LOG)
    assert faults(history(seen=LOG[:2]), LOG)
    assert faults(history(seen=[*LOG, LOG[2]]), LOG)
    assert faults(history(seen=[LOG[1], LOG[0], LOG[2]]), LOG)
    assert faults(history(acks=[], seen=LOG[1:]), LOG[1:]), "a log with a hole"


def test_a_record_of_another_id_or_of_other_words_is_found():
    assert faults(history(seen=[*LOG[:2], LOG[2]._replace(id="other")]), LOG)
    assert faults(history(seen=[*LOG[:2], LOG[2]._replace(content="other")]), LOG)
    assert faults(history(acks=[Ack("c", "ada", "w-2", 2, "m2", content="what was posted")]), LOG)


def test_a_post_that_stands_before_what_was_acknowledged_before_it_is_found():
    """Each is there once, and seqs have no gap: the order alone is wrong."""
    first, second = Ack("c", "ada", "w-2", 2, "m2", at=1.0, took=0.5), Ack("c", "ada", "w-1", 1, "m1", at=6.0, took=1.0)
    assert faults(history(acks=[first, second]), LOG)
    assert faults(history(acks=[first._replace(at=5.5), second]), LOG) == [], "they were under way together"


def test_a_refusal_is_a_fault():
    made = history()
    made.refusals.append("refused")
    assert faults(made, LOG) == ["refused"]


def test_deliveries_are_counted():
    mention = Entry("c", 4, "m4", "message", "ada", None, "@scout", ("scout",))
    delivery = Entry("inbox", 1, "d1", "delivery", "system", None, "", target="m4")
    assert delivery_faults([mention, delivery], "scout", "inbox") == []
    assert delivery_faults([mention], "scout", "inbox")
    assert delivery_faults([mention, delivery, delivery], "scout", "inbox")
    assert delivery_faults([delivery], "scout", "inbox")
