"""A sampling profiler: it notes the stack now and then, so that no call becomes dearer by being watched.

It goes by processor time, and sees Python's frames: what is done in C counts for the line that called it.
"""

import signal
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

import msgspec

PERIOD_S = 0.001
HERE = str(Path(__file__).parents[1])
ROOTS = ("/site-packages/", "/src/", "/lib/")
"""Where names of files begin."""


class Sampler:
    """Samples this process's main thread from `start` to `write`."""

    def __init__(self) -> None:
        self._own: Counter[tuple[CodeType, int]] = Counter()
        self._stacks: Counter[tuple[CodeType, ...]] = Counter()

    def start(self) -> None:
        """Begin (or begin anew)."""
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, PERIOD_S, PERIOD_S)

    def clear(self) -> None:
        """Forget what was sampled: start-up and warm-up are not what is asked about."""
        self._own.clear()
        self._stacks.clear()

    def write(self, path: Path) -> None:
        """Stop and write the samples as JSON."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        own: Counter[str] = Counter()
        for (code, line), count in self._own.items():
            own[f"{_name(code)}:{line}"] += count
        stacks: Counter[tuple[str, ...]] = Counter()
        for codes, count in self._stacks.items():
            stacks[tuple(_name(code) for code in reversed(codes))] += count
        path.write_bytes(msgspec.json.encode(Profile(sum(own.values()), own, list(stacks.items()))))

    def _sample(self, _signal: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._own[frame.f_code, frame.f_lineno] += 1
        codes: list[CodeType] = []
        at: FrameType | None = frame
        while at is not None:
            codes.append(at.f_code)
            at = at.f_back
        self._stacks[tuple(codes)] += 1


def _name(code: CodeType) -> str:
    """The file within its package, and the function."""
    file = code.co_filename.removeprefix(HERE)
    for root in ROOTS:
        file = file.rpartition(root)[2]
    return f"{file.lstrip('/')} {code.co_qualname}"


class Profile(msgspec.Struct):
    """What a sampler wrote: samples by line (own), and by stack, the outermost function first."""

    samples: int
    own: dict[str, int]
    stacks: list[tuple[tuple[str, ...], int]]

    def within(self) -> Counter[str]:
        """Samples by function, with all that it calls."""
        found: Counter[str] = Counter()
        for stack, count in self.stacks:
            for name in set(stack):
                found[name] += count
        return found


def report(profile: Profile, top: int) -> str:
    """The shares as text: where the processor was, and within which functions."""
    parts = [f"{profile.samples} samples of {PERIOD_S * 1000:g} ms"]
    for title, counts in (
        ("within a function and what it calls", profile.within()),
        ("in the line itself", profile.own),
    ):
        parts.append(f"\n{title}")
        ranked = sorted(counts.items(), key=lambda item: -item[1])[:top]
        parts += [f"{count / max(1, profile.samples):7.1%}  {name}" for name, count in ranked]
    return "\n".join(parts)
