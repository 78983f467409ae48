"""Rankings made into one."""

from hypothesis import given
from hypothesis import strategies as st

from crewhall.knowledge.fusion import K, fuse

RANKINGS = st.lists(st.lists(st.integers(0, 30), unique=True), max_size=4)


def test_what_two_rankings_agree_on_comes_first():
    assert [one for one, _ in fuse([["a", "b", "c"], ["d", "b", "e"]])] == ["b", "a", "d", "c", "e"]
    assert fuse([["a"]]) == [("a", 1 / (K + 1))]
    assert fuse([]) == []


@given(RANKINGS)
def test_nothing_is_lost_nothing_is_twice_and_one_ranking_stays_as_it_is(rankings: list[list[int]]):
    fused = fuse(rankings)
    assert {one for one, _ in fused} == {one for ranking in rankings for one in ranking}
    assert len(fused) == len({one for one, _ in fused})
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)
    if len(rankings) == 1:
        assert [one for one, _ in fused] == rankings[0]
