"""What an edit changed, as people read it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from crewhall.kernel.differences import AROUND, Piece, differences, shortened

TEXTS = st.text(alphabet="ab \n.,é", max_size=60)


def _told(before: str, after: str) -> str:
    signs = {"same": "{}", "added": "[+{}]", "removed": "[-{}]", "left out": "{}"}
    return "".join(signs[piece.how].format(piece.text) for piece in differences(before, after))


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_off(before: str, after: str):
    pieces = differences(before, after)
    assert "".join(piece.text for piece in pieces if piece.how != "added") == before
    assert "".join(piece.text for piece in pieces if piece.how != "removed") == after
    assert all(piece.text for piece in pieces)
    assert all(one.how != other.how for one, other in pairwise(pieces))


def test_words_change_whole_and_phrases_together():
    assert _told("We meet at nine.", "We meet at ten.") == "We meet at [-nine][+ten]."
    assert _told("We meet at nine.", "We meet on Friday at nine.") == "We meet [+on Friday ]at nine."
    assert _told("one two three", "uno due tre") == "[-one two three][+uno due tre]"
    assert _told("same", "same") == "same"
    assert _told("", "new") == "[+new]"


def test_what_stayed_far_from_a_change_is_left_out():
    far = "word " * 400
    pieces = shortened(differences(far + "old" + far, far + "new" + far))
    assert [piece.how for piece in pieces] == ["left out", "same", "removed", "added", "same", "left out"]
    assert max(len(piece.text) for piece in pieces) <= AROUND
    assert shortened([Piece("same", "short")]) == [Piece("same", "short")]


def test_the_longest_texts_are_compared_at_once():
    """Two that have nothing in common, and two of the same word over and over."""
    assert [piece.how for piece in differences("a " * 20_000, "b " * 20_000)] == ["removed", "added", "same"]
    assert len(differences("a " * 20_000, "a " * 19_999)) <= 3
