"""Processor time and memory of process trees, and whether other work disturbed a measurement."""

import os
import time
from collections.abc import Iterable

import psutil

NOISE_LIMIT = 0.15
"""Other work may use this much of one processor while a figure is taken; beyond it the run does not count."""


def tree_seconds(pid: int) -> float:
    """The processor seconds of a process, its living descendants, and those already reaped."""
    total = 0.0
    try:
        root = psutil.Process(pid)
        members = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return total
    for member in members:
        try:
            used = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


def resident_mib(pid: int) -> float:
    """The resident memory of one process, in MiB."""
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def _busy_seconds() -> float:
    """Processor seconds of the whole machine spent by processes (interrupts belong to nobody)."""
    used = psutil.cpu_times()
    return float(used.user + used.nice + used.system + getattr(used, "steal", 0.0))


class Meter:
    """Taken around a measurement: what the measured processes used, and what others did meanwhile.

    `roots` are the process trees that take part; this process is one of them.
    """

    def __init__(self, roots: Iterable[int]) -> None:
        self._roots = sorted(set(roots) - {os.getpid()})
        self._at_start = self._read()

    def _read(self) -> tuple[float, float, float, dict[int, float]]:
        own = psutil.Process().cpu_times()
        return (
            time.perf_counter(),
            _busy_seconds(),
            own.user + own.system,
            {pid: tree_seconds(pid) for pid in self._roots},
        )

    def stop(self) -> "Usage":
        """What was used since the meter was made."""
        (begun, busy_before, own_before, before), (ended, busy, own, after) = self._at_start, self._read()
        used = {pid: after[pid] - before[pid] for pid in self._roots}
        others = (busy - busy_before) - (own - own_before) - sum(used.values())
        return Usage(ended - begun, own - own_before, used, max(0.0, others))


class Usage:
    """Processor seconds over an interval: of the load client, of each tree, of everybody else."""

    def __init__(self, seconds: float, client: float, trees: dict[int, float], others: float) -> None:
        self.seconds = seconds
        self.client = client
        self.trees = trees
        self.others = others

    @property
    def disturbance(self) -> float:
        """How many processors other work used on average."""
        return self.others / self.seconds if self.seconds > 0 else 0.0

    @property
    def is_noisy(self) -> bool:
        """Whether other work took so much that the figures do not count."""
        return self.disturbance > NOISE_LIMIT
