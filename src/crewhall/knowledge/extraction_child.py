"""Reads one document: the file on standard input; lines of JSON on standard output, as they are found.

A process of its own, started with nothing of Crewhall's environment: what decodes strangers' bytes has little memory
and time, no network where the kernel lets it leave that, writes no file, and may die. Its only argument is a `Task`;
each line that it says is a `Said`.
"""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator

import msgspec

from crewhall.knowledge.chunking import Chunker
from crewhall.knowledge.extraction_task import Failure, Found, Said, Task
from crewhall.knowledge.formats.source import Refused, Source, damaged, too_large
from crewhall.knowledge.passages import Block

NICE = 10
FILES = 256
DIE_WITH_PARENT, NO_NEW_RIGHTS = 1, 38
"""Of prctl(2)."""
OWN_USERS, OWN_NETWORK = 0x10000000, 0x40000000
"""Of unshare(2)."""


def limit(task: Task) -> None:
    """Take little of the machine, whatever the bytes say."""
    resource.setrlimit(resource.RLIMIT_AS, (task.memory, task.memory))
    resource.setrlimit(resource.RLIMIT_CPU, (task.seconds, task.seconds + 1))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    os.nice(NICE)


def leave_the_network() -> None:
    """Die with the server, and reach nobody, as far as this kernel lets a process say so."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(DIE_WITH_PARENT, signal.SIGKILL, 0, 0, 0)
        libc.prctl(NO_NEW_RIGHTS, 1, 0, 0, 0)
        if libc.unshare(OWN_NETWORK) != 0:
            libc.unshare(OWN_USERS | OWN_NETWORK)
    except (OSError, AttributeError):
        return


def say(task: Task, source: Source) -> Iterator[Said]:
    """What is found in the document. Raises Refused."""
    from crewhall.knowledge.formats import read

    chunker = Chunker()
    for one in read(source):
        if task.makes_chunks and isinstance(one, Block):
            yield from map(Found, chunker.take(one))
        else:
            yield one
    yield from map(Found, chunker.end())


def work(task: Task) -> Iterator[bytes]:
    """The answer, piece by piece; a refusal is its last."""
    file = open(0, "rb", closefd=False)  # noqa: SIM115 - open as long as the process is
    source = Source(
        file=file, size=os.fstat(0).st_size, media_type=task.media_type, name=task.name, bounds=task.bounds,
        reads_pictures=task.reads_pictures,
    )  # fmt: skip
    encoder = msgspec.json.Encoder()
    try:
        if task.page is not None:
            from crewhall.knowledge.formats import picture

            yield picture(source, task.page, task.width)
            return
        for said in say(task, source):
            yield encoder.encode(said) + b"\n"
    except Refused as refused:
        yield encoder.encode(_failure(refused)) + b"\n"
    except MemoryError as error:
        yield encoder.encode(_failure(too_large("more than there is memory for"), error)) + b"\n"
    except Exception as error:  # noqa: BLE001 - whatever strangers' bytes do to a library, it is this document's fault
        yield encoder.encode(_failure(damaged(), error)) + b"\n"


def _failure(refused: Refused, error: BaseException | None = None) -> Failure:
    cause = error or refused.__cause__
    return Failure(reason=refused.reason, sentence=refused.sentence, cause="" if cause is None else repr(cause)[:500])


def main() -> int:
    """Do the task."""
    task = msgspec.json.decode(sys.argv[1], type=Task)
    limit(task)
    leave_the_network()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no answer
    for piece in work(task):
        left = memoryview(piece)
        while left:
            left = left[out.write(left) or 0 :]
    return 0


if __name__ == "__main__":
    sys.exit(main())
