"""The formulas of KPIs and trust: by hand, and whatever the counts are."""

from math import isclose

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crewhall.work.kpis.formulas import (
    BLEND,
    Counts,
    Figures,
    Past,
    Start,
    calculate,
    deviation_of,
    ends_probation,
    steadiness_of,
)
from crewhall.work.kpis.sums import reason_of
from crewhall.work.kpis.vocabulary import SESSION_END, Concern, OverallTrend, Trend

few = st.integers(0, 40)
counts = st.builds(
    lambda assigned, completed, ripe, done, first, more, asked, failing, bugs, broken, row, lately: Counts(
        tasks_assigned=assigned, tasks_completed=completed, tasks_ripe=ripe, ripe_completed=min(done, ripe),
        first_approvals=first, approvals=first + more, change_requests=asked, failing_pulls=failing, bugs=bugs,
        deployment_failures=broken, rejected_in_row=row, recent_bugs=lately,
    ),
    few, few, few, few, few, few, few, few, few, few, few, few,
)  # fmt: skip
score = st.integers(0, 10_000).map(lambda one: one / 10_000)
past = st.lists(st.builds(Past, score, st.integers(0, 100).map(float), few, st.sampled_from(OverallTrend)), max_size=12)
start = st.builds(Start, st.integers(0, 10_000).map(lambda one: one / 100), few)
STABLE = OverallTrend.STABLE
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that does other things meanwhile."""


def row(overall: float = 0.5, quality: float = 50, tasks: int = 0, moved: OverallTrend = STABLE) -> Past:
    return Past(overall, quality, tasks, moved)


@pytest.mark.rule("D6", "D7")
def test_nothing_yet_is_fifty():
    found = calculate(Counts(), [], Start())
    assert (found.quality, found.completion, found.overall) == (50, 1, 0.8)
    assert (found.tasks_trend, found.quality_trend, found.overall_trend) == (Trend.STABLE, Trend.STABLE, STABLE)
    terms = (found.term_quality, found.term_completion, found.term_bugs, found.term_deployments)
    assert terms == (20, 30, 20, 10)
    assert (found.term_trend, found.deviation, found.term_steadiness, found.term_sum) == (0, None, 0, 80)
    assert (found.evidence, found.trust, found.concerns) == (0, 50, ())


@pytest.mark.rule("D6")
def test_scores_by_hand():
    counted = Counts(
        tasks_ripe=8, ripe_completed=6, first_approvals=4, approvals=5, change_requests=3, failing_pulls=1, bugs=2,
        deployment_failures=3,
    )  # fmt: skip
    found = calculate(counted, [], Start())
    assert found.quality == 50 + 40 - 15 - 10
    assert found.completion == 0.75
    assert found.overall == round(0.4 * 0.65 + 0.3 * 0.75 + 0.2 * 0.8 + 0.1 * 0.7, 4)


@pytest.mark.rule("D7")
def test_trust_by_hand():
    counted = Counts(
        tasks_completed=12, tasks_ripe=10, ripe_completed=9, first_approvals=3, approvals=5, change_requests=3, bugs=1,
        deployment_failures=1,
    )  # fmt: skip
    found = calculate(counted, [row(0.7), row(0.75), row(0.72, 60, 11)], Start())
    assert found.quality == 65
    assert found.overall == 0.4 * 0.65 + 0.3 * 0.9 + 0.2 * 0.9 + 0.1 * 0.9 == 0.8
    assert found.term_trend == 5 + 2 + 1
    assert found.deviation == 0.03767  # of 0.7, 0.75, 0.72, 0.8: the root of 0.005675 / 4
    assert found.term_steadiness == round(5 - 0.03767 / 0.06, 3) == 4.372
    assert found.term_sum == round(26 + 27 + 16 + 6.67 + 8 + 4.372, 3) == 88.042
    assert found.evidence == 12 + 5 + 3
    assert found.trust == round(50 + (88.042 - 50) * 20 / 30, 2) == 75.36


@pytest.mark.rule("D7")
@pytest.mark.parametrize(
    ("before", "term"),
    [
        (row(0.8, 50, 6), -1),
        (row(0.8, 60, 5), -2),
        (row(0.9, 50, 5), -5),
        (row(0.7, 60, 4), 5 - 2 + 1),
        (row(0.9, 40, 6), -5 + 2 - 1),
        (row(0.8, 50, 5), 0),
    ],
)
def test_each_trend_weighs_what_the_rule_says(before: Past, term: int):
    found = calculate(Counts(tasks_completed=5), [before], Start())
    assert (found.overall, found.quality) == (0.8, 50)
    assert found.term_trend == term


def test_a_reason_is_one_sentence():
    assert reason_of({"bug": 1}) == "1 bug."
    assert reason_of({"task_assigned": 2}, SESSION_END) == "2 tasks assigned, the end of a work session asked for it."
    assert reason_of({}, SESSION_END) == "The end of a work session asked for it."
    assert reason_of({"approved": -1}, "Mara") == "Less 1 approval, Mara asked for it."


@pytest.mark.rule("D7")
@pytest.mark.parametrize(
    ("given_counts", "concern"),
    [
        (Counts(change_requests=7), Concern.LOW_QUALITY),
        (Counts(rejected_in_row=3), Concern.REJECTED_PULLS),
        (Counts(recent_bugs=5, bugs=5), Concern.RECENT_BUGS),
        (
            Counts(tasks_completed=90, tasks_ripe=90, bugs=9, change_requests=9, deployment_failures=9),
            Concern.LOW_TRUST,
        ),
    ],
)
def test_any_one_concern_is_enough(given_counts: Counts, concern: Concern):
    assert concern in calculate(given_counts, [], Start()).concerns


@pytest.mark.rule("D7")
def test_just_short_of_each_concern_there_is_none():
    counted = Counts(change_requests=6, rejected_in_row=2, recent_bugs=4, bugs=4, tasks_completed=10)
    found = calculate(counted, [], Start())
    assert found.quality == 20
    assert found.concerns == ()


@pytest.mark.rule("D7")
def test_probation_ends_when_all_holds_and_not_before():
    counted = Counts(tasks_completed=5, first_approvals=1, approvals=1)
    better = [row(0.6, 50, 3, OverallTrend.IMPROVING), row(0.7, 50, 4, OverallTrend.IMPROVING)]
    found = calculate(counted, better, Start())
    assert found.overall_trend is OverallTrend.IMPROVING
    assert ends_probation(found, counted, better)
    assert not ends_probation(found, Counts(tasks_completed=4, first_approvals=1, approvals=1), better)
    assert not ends_probation(found, counted, better[1:])
    assert not ends_probation(found, counted, [better[0], row(0.7, 50, 4)])
    low = calculate(Counts(tasks_completed=5), better, Start())
    assert low.quality == 50
    assert not ends_probation(low, counted, better)
    distrusted = calculate(counted, better, Start(0))
    assert distrusted.trust < 50
    assert not ends_probation(distrusted, counted, better)


@pytest.mark.rule("D2", "D6", "D7")
@patient
@given(counts, past, start)
def test_scores_stay_within_their_bounds_and_terms_add_up(one: Counts, before: list[Past], begins: Start):
    found = calculate(one, before, begins)
    assert 0 <= found.quality <= 100
    assert 0 <= found.completion <= 1
    assert 0 <= found.overall <= 1
    assert 0 <= found.trust <= 100
    assert isclose(found.term_sum, min(max(terms_of(found), 0), 100), abs_tol=0.0011)
    by_hand = found.start + (found.term_sum - found.start) * found.evidence / (found.evidence + BLEND)
    assert isclose(found.trust, by_hand, abs_tol=0.0051)
    low, high = sorted((found.start, found.term_sum))
    assert low - 0.01 <= found.trust <= high + 0.01


@pytest.mark.rule("D6", "D7")
@patient
@given(counts, past, start, st.sampled_from(["bugs", "deployment_failures", "failing_pulls"]))
def test_what_speaks_against_never_helps(one: Counts, before: list[Past], begins: Start, name: str):
    worse = Counts(
        **{field: getattr(one, field) for field in Counts.__struct_fields__} | {name: getattr(one, name) + 1}
    )
    good, bad = calculate(one, before, begins), calculate(worse, before, begins)
    assert bad.overall <= good.overall
    assert bad.quality <= good.quality
    assert bad.term_bugs <= good.term_bugs
    assert bad.term_deployments <= good.term_deployments


@pytest.mark.rule("D7")
@patient
@given(start, counts)
def test_what_a_person_sets_is_trust_until_evidence_comes(begins: Start, one: Counts):
    found = calculate(one, [], Start(begins.trust, one.evidence))
    assert (found.evidence, found.trust) == (0, begins.trust)


@patient
@given(st.lists(score, max_size=20))
def test_steadiness_is_of_ten_rows_and_three_at_least(rows: list[float]):
    spread = deviation_of(rows)
    assert (spread is None) == (len(rows) < 3)
    assert spread == deviation_of(rows[-10:])
    assert 0 <= steadiness_of(spread) <= 5
    assert steadiness_of(deviation_of([0.5] * 3)) == 5


def terms_of(one: Figures) -> float:
    return (
        one.term_quality + one.term_completion + one.term_bugs + one.term_deployments + one.term_trend
        + one.term_steadiness
    )  # fmt: skip
