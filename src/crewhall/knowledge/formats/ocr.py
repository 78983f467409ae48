"""Text in pictures, found by the models that come in the package of rapidocr.

They know Chinese, Japanese, English and the languages written with Latin letters; no Cyrillic, Greek, Arabic or Indian
scripts.
"""

import statistics
from importlib.util import find_spec
from typing import Any

from crewhall.knowledge.formats.pdf_segments import Segment

LEAST_SURE = 0.5
THREADS = 1


class Ocr:
    """Reads pictures; the models (some 30 MB) are loaded with the first."""

    def __init__(self) -> None:
        self._engine: Any = None

    @property
    def is_there(self) -> bool:
        """Whether it is installed (`crewhall[ocr]`)."""
        return find_spec("rapidocr") is not None

    def segments(self, image: Any, scale: float = 1.0) -> list[Segment]:
        """The lines of a picture (of Pillow), whose places are pixels times `scale` from the lower left."""
        import numpy as np

        if self._engine is None:
            self._engine = _engine()
        found = self._engine(np.asarray(image)[:, :, ::-1])
        if found.txts is None or found.boxes is None:
            return []
        height = image.height
        lines = [_segment(text, box, height, scale) for text, box in zip(found.txts, found.boxes.tolist(), strict=True)]
        return _of_few_sizes([line for line in lines if line.text])


def _engine() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={
        "Global.log_level": "critical",
        "Global.text_score": LEAST_SURE,
        "EngineConfig.onnxruntime.intra_op_num_threads": THREADS,
        "EngineConfig.onnxruntime.inter_op_num_threads": THREADS,
        "Rec.rec_batch_num": 2,
    })  # fmt: skip


def _segment(text: str, box: list[list[float]], height: int, scale: float) -> Segment:
    across, down = [x for x, _ in box], [y for _, y in box]
    top, bottom = (height - min(down)) * scale, (height - max(down)) * scale
    return Segment(text.strip(), min(across) * scale, max(across) * scale, bottom, top, top - bottom)


def _of_few_sizes(found: list[Segment]) -> list[Segment]:
    """Boxes differ with the letters in them: what is about as high as most is as high."""
    if not found:
        return found
    usual = statistics.median(one.size for one in found)
    for one in found:
        one.size = usual if one.size < usual * 1.35 else round(one.size / usual * 4) / 4 * usual
    return found
