"""A sampling profiler: it notes the stack now and then, so that no call becomes dearer by being watched."""

import json
import signal
from collections import Counter
from pathlib import Path
from types import FrameType

import msgspec

PERIOD_S = 0.001


class Sampler:
    """Samples this process's main thread from `start` to `write`."""

    def __init__(self) -> None:
        self._own: Counter[str] = Counter()
        self._within: Counter[str] = Counter()
        self._samples = 0

    def start(self) -> None:
        """Begin (or begin anew)."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, PERIOD_S, PERIOD_S)

    def clear(self) -> None:
        """Forget what was sampled: start-up and warm-up are not what is asked about."""
        self._own.clear()
        self._within.clear()
        self._samples = 0

    def write(self, path: Path) -> None:
        """Stop and write the samples as JSON."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        path.write_text(json.dumps({"samples": self._samples, "own": self._own, "within": self._within}))

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        self._samples += 1
        seen: set[str] = set()
        at = frame
        while at is not None:
            name = _name(at)
            if at is frame:
                self._own[f"{name}:{at.f_lineno}"] += 1
            if name not in seen:
                seen.add(name)
                self._within[name] += 1
            at = at.f_back


def _name(frame: FrameType) -> str:
    folder, _, file = frame.f_code.co_filename.rpartition("/")
    return f"{folder.rpartition('/')[2]}/{file} {frame.f_code.co_qualname}"


class Profile(msgspec.Struct):
    """What a sampler wrote: samples by line (own) and by function with all it calls (within)."""

    samples: int
    own: dict[str, int]
    within: dict[str, int]


def report(profile: Profile, top: int) -> str:
    """The shares as text: where the processor was, and within which functions."""
    parts = [f"{profile.samples} samples of {PERIOD_S * 1000:g} ms"]
    for title, counts in (("within a function and what it calls", profile.within), ("in the line itself", profile.own)):
        parts.append(f"\n{title}")
        ranked = sorted(counts.items(), key=lambda item: -item[1])[:top]
        parts += [f"{count / max(1, profile.samples):7.1%}  {name}" for name, count in ranked]
    return "\n".join(parts)
