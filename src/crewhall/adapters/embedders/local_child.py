"""The built-in embedding model: all-MiniLM-L6-v2 with weights of eight bits, asked over standard input and output.

A process of its own, started with nothing of Crewhall. Frames are MessagePack behind their length (four bytes, big
end first). In: `[number, is_urgent, texts]`. Out: first `[]`, once the model can be asked; then `[number, vectors]` as
32-bit floats, one after the other, or `[number, null, what went wrong]`. What is urgent has a thread of its own and is
answered meanwhile; the others are as many as the first argument says, and give way to everybody on the machine.
Leaves when standard input ends.
"""

import os
import queue
import resource
import struct
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from tokenizers import Tokenizer

MOST_TOKENS = 256
LOW = 10
"""The niceness of threads that are in no hurry."""
MEMORY = 4 * 1024 * 1024 * 1024
Job = tuple[int, list[str]]
Jobs = queue.SimpleQueue[Job]
_out = threading.Lock()


class Model:
    """The model and its tokenizer; any thread may ask."""

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # whoever asks computes, at its own priority
        options.enable_cpu_mem_arena = False  # what one long text needed would be kept for good
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(MOST_TOKENS)
        self._tokenizer.enable_padding()

    def embed(self, texts: list[str]) -> bytes:
        """The mean of what the model makes of a text's tokens, of length 1."""
        encoded = self._tokenizer.encode_batch(texts)
        ids = np.array([one.ids for one in encoded], dtype=np.int64)
        mask = np.array([one.attention_mask for one in encoded], dtype=np.int64)
        hidden = self._session.run(
            None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        )[0]
        weights = mask[..., None].astype(np.float32)
        mean = (hidden * weights).sum(axis=1) / np.clip(weights.sum(axis=1), 1e-9, None)
        length = np.clip(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12, None)
        return (mean / length).astype("<f4").tobytes()  # type: ignore[no-any-return]


def say(answer: list[object]) -> None:
    """Write one frame."""
    frame = msgspec.msgpack.encode(answer)
    with _out:
        sys.stdout.buffer.write(struct.pack(">I", len(frame)) + frame)
        sys.stdout.buffer.flush()


def work(model: Model, jobs: Jobs, niceness: int) -> None:
    """Answer what is asked, for as long as the process lives."""
    if sys.platform == "linux":  # elsewhere a process has one niceness for all of its threads
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
    while True:
        number, texts = jobs.get()
        try:
            say([number, model.embed(texts)])
        except BrokenPipeError:
            os._exit(0)
        except Exception as error:  # noqa: BLE001 - whatever it is about these texts, the next may be fine
            say([number, None, f"{type(error).__name__}: {error}"[:500]])


def listen(urgent: Jobs, patient: Jobs) -> None:
    """Read frames until there are no more."""
    read = sys.stdin.buffer.read
    decoder = msgspec.msgpack.Decoder(tuple[int, bool, list[str]])
    while len(head := read(4)) == 4:  # noqa: PLR2004 - the bytes of a length
        number, is_urgent, texts = decoder.decode(read(struct.unpack(">I", head)[0]))
        (urgent if is_urgent else patient).put((number, texts))


def main() -> int:
    """`threads weights tokenizer`."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threads, weights, tokenizer = sys.argv[1:]
    model = Model(Path(weights), Path(tokenizer))
    urgent: Jobs = queue.SimpleQueue()
    patient: Jobs = queue.SimpleQueue()
    for jobs, niceness in ((urgent, 0), *((patient, LOW),) * int(threads)):
        threading.Thread(target=work, args=(model, jobs, niceness), daemon=True).start()
    model.embed(["warm"])
    say([])
    listen(urgent, patient)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # its threads are within the model, which would hold the end up
