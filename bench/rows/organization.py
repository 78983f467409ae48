"""An organization of 5,000 people: every page and every list, as owner, busy member and newcomer, first and late."""

import itertools
import sys
from collections.abc import Sequence

from bench.ground import Ground
from bench.load.http import percentile
from bench.organization.routes import addresses
from bench.organization.walking import Measured, Pace, walk_all
from bench.rows.row import Scale
from bench.table import Figure, Target

QUICK = Pace(visitors=("owner",), alone=1, fours=0, deep=1)
QUICK_S = 2.0
LIMIT_MS, SWITCHER_MS = 300.0, 50.0
SWITCHER = "/api/v1/switcher"
DOUBTFUL_MS = {False: LIMIT_MS / 2, True: SWITCHER_MS / 2}
MOST_ROWS = 200


class Organization:
    """No floor: a target of its own. Prints every route, the slowest first, and which of them miss it.

    All is walked once; further runs walk again what took more than half of what it may.
    """

    name = "organization"
    ground = floor_ground = "organization"
    figures: Sequence[Figure] = (
        Figure("pages_p99", "5,000 people: slowest page, p99", "ms", Target(at_most=LIMIT_MS)),
        Figure("lists_p99", "5,000 people: slowest answer of the API, p99", "ms", Target(at_most=LIMIT_MS)),
        Figure("missed", "routes over 300 ms", "", Target(at_most=0)),
        Figure("switcher_p99", "switcher, p99", "ms", Target(at_most=SWITCHER_MS)),
        Figure("rows", "most items of one answer", "", Target(at_most=MOST_ROWS)),
    )

    async def prepare(self, ground: Ground, floor_ground: Ground, scale: Scale) -> None:
        """See what there is to walk."""
        self._asked = await addresses(ground)
        self._settled: list[Measured] = []

    async def product(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """Walk it."""
        walked = await walk_all(ground, self._asked, QUICK if scale.seconds < QUICK_S else Pace(), _say)
        found = [*self._settled, *walked]
        _say(as_lines(found))
        doubtful = {one.route for one in walked if one.p99 > DOUBTFUL_MS[one.route == SWITCHER]}
        self._asked = [one for one in self._asked if one.route in doubtful]
        self._settled += [one for one in walked if one.route not in doubtful]
        return figures_of(found)

    async def floor(self, ground: Ground, scale: Scale) -> dict[str, float]:
        """There is none."""
        return {}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def figures_of(found: Sequence[Measured]) -> dict[str, float]:
    """The worst of what was walked."""
    pages = [one.p99 for one in found if not one.route.startswith("/api/")]
    answers = [one.p99 for one in found if one.route.startswith("/api/")]
    return {
        "pages_p99": max(pages, default=0),
        "lists_p99": max(answers, default=0),
        "missed": len({one.route for one in found if one.p99 > LIMIT_MS}),
        "switcher_p99": max((one.p99 for one in found if one.route == SWITCHER), default=0),
        "rows": max((one.rows for one in found), default=0),
    }


def as_lines(found: Sequence[Measured]) -> str:
    """A table of routes, each by its worst visitor and page, the slowest first."""
    by_route = sorted(found, key=lambda one: one.route)
    worst = [max(group, key=lambda one: one.p99) for _, group in itertools.groupby(by_route, key=lambda one: one.route)]
    lines = [f"{'p99':>7} {'p50':>7} {'4 at once':>9} {'cpu':>6} {'KiB':>6} {'rows':>5}"]
    lines += [_line(one) for one in sorted(worst, key=lambda one: -one.p99)]
    return "\n".join(lines)


def _line(one: Measured) -> str:
    verdict = "" if one.p99 <= LIMIT_MS else "  MISSED"
    return (
        f"{one.p99:7.1f} {percentile(one.alone, 0.5):7.1f} {percentile(one.at_once, 0.99):9.1f} {one.cpu:6.1f} "
        f"{one.kib:6.0f} {one.rows:5d}  {one.route} ({one.who}, {one.place}){verdict}"
    )
