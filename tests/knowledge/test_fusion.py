"""Rankings made into one."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from crewhall.knowledge.fusion import K, fuse
from crewhall.knowledge.message_meaning import NearMessage, rank_messages

RANKINGS = st.lists(st.lists(st.integers(0, 30), unique=True), max_size=4)


def test_what_two_rankings_agree_on_comes_first():
    assert [one for one, _ in fuse([["a", "b", "c"], ["d", "b", "e"]])] == ["b", "a", "d", "c", "e"]
    assert fuse([["a"]]) == [("a", 1 / (K + 1))]
    assert fuse([]) == []
    assert fuse([[None, "a"]]) == [("a", 1 / (K + 2))], "what gets nothing holds its place"


@given(RANKINGS)
def test_nothing_is_lost_nothing_is_twice_and_one_ranking_stays_as_it_is(rankings: list[list[int]]):
    fused = fuse(rankings)
    assert {one for one, _ in fused} == {one for ranking in rankings for one in ranking}
    assert len(fused) == len({one for one, _ in fused})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)
    if len(rankings) == 1:
        assert [one for one, _ in fused] == rankings[0]


A, B, C, D = (UUID(int=n) for n in range(4))


def test_messages_count_by_how_near_they_are_among_all_that_was_found():
    near = [NearMessage(A, 0.2), NearMessage(B, 0.5)]
    assert rank_messages([], near, [0.4, 0.1, 0.7], are_whole=False) == [[], [], [None, A, None, B]]
    assert rank_messages([C, A], near, [], are_whole=False) == [[C, A], [None, None], [A, B]]


def test_messages_that_hold_every_word_count_twice_however_far_their_meaning():
    near = [NearMessage(A, 0.2), NearMessage(B, 0.5), NearMessage(D, 0.6)]
    by_words, again, nearest = rank_messages([C, D, A], near, [], are_whole=True)
    assert (by_words, again, nearest) == ([C, D, A], [C, D, None], [A, B, None])


@given(
    st.lists(st.integers(0, 20), unique=True),
    st.dictionaries(st.integers(0, 20), st.floats(0, 2)),
    st.lists(st.floats(0, 2)),
    st.booleans(),
)
def test_no_message_counts_thrice_or_is_lost(
    words: list[int], near: dict[int, float], others: list[float], whole: bool
):
    found = [UUID(int=n) for n in words]
    alike = [NearMessage(UUID(int=n), away) for n, away in sorted(near.items(), key=lambda one: one[1])]
    rankings = rank_messages(found, alike, others, are_whole=whole)
    counted = [one for ranking in rankings for one in ranking if one is not None]
    assert set(counted) == set(found) | {one.id for one in alike}
    assert all(counted.count(one) <= 2 for one in counted)
    for one in found:
        assert counted.count(one) == 1 + (whole or one in {other.id for other in alike})
