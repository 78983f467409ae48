"""PDFs as tests want them, written object by object."""

import io
from collections.abc import Sequence

from msgspec import Struct
from PIL import Image

WIDTH, HEIGHT = 612.0, 792.0
FONTS = {"F1": "Helvetica", "F2": "Helvetica-Bold", "F3": "Courier"}


class Words(Struct, frozen=True):
    """Words whose baseline begins at a place, in points from the lower left."""

    left: float
    up: float
    text: str
    size: float = 10
    font: str = "F1"


class Sheet(Struct, frozen=True):
    """A page: words, and perhaps a picture behind them."""

    words: Sequence[Words] = ()
    picture: Image.Image | None = None
    width: float = WIDTH
    height: float = HEIGHT


def pdf(
    pages: Sequence[Sheet],
    title: str | None = None,
    outline: Sequence[tuple[str, int]] = (),
    *,
    locked: bool = False,
    count: int | None = None,
) -> bytes:
    """A PDF. `outline`: titles with their pages, from 0; `locked`: with a password; `count`: of pages, as it says."""
    made = _Objects()
    catalog, tree, fonts = made.take(), made.take(), {name: made.take() for name in FONTS}
    for name, number in fonts.items():
        made.put(number, f"<< /Type /Font /Subtype /Type1 /BaseFont /{FONTS[name]} /Encoding /WinAnsiEncoding >>")
    named = " ".join(f"/{name} {number} 0 R" for name, number in fonts.items())
    kids = []
    for page in pages:
        content, number = made.take(), made.take()
        drawn = [_drawn(words) for words in page.words]
        images = ""
        if page.picture is not None:
            picture = made.take()
            made.put_picture(picture, page.picture)
            images = f"/XObject << /P {picture} 0 R >>"
            drawn.insert(0, f"q {page.width} 0 0 {page.height} 0 0 cm /P Do Q")
        made.put_stream(content, "", "\n".join(drawn).encode("cp1252"))
        made.put(
            number,
            f"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {page.width} {page.height}] /Contents {content} 0 R "
            f"/Resources << /Font << {named} >> {images} >> >>",
        )
        kids.append(number)
    made.put(tree, f"<< /Type /Pages /Count {count or len(kids)} /Kids [{' '.join(f'{one} 0 R' for one in kids)}] >>")
    marks = made.put_outline(outline, kids)
    made.put(catalog, f"<< /Type /Catalog /Pages {tree} 0 R {marks} >>")
    about = made.take()
    made.put(about, f"<< /Title ({title or ''}) >>")
    lock = ""
    if locked:
        number = made.take()
        made.put(number, f"<< /Filter /Standard /V 1 /R 2 /P -4 /O <{'ab' * 32}> /U <{'cd' * 32}> >>")
        lock = f"/Encrypt {number} 0 R /ID [<{'00' * 16}> <{'00' * 16}>]"
    return made.written(f"/Root {catalog} 0 R /Info {about} 0 R {lock}")


def column(text: Sequence[str], left: float = 72, up: float = 700, size: float = 10, font: str = "F1") -> list[Words]:
    """Lines below one another."""
    return [Words(left, up - at * size * 1.2, line, size, font) for at, line in enumerate(text)]


class _Objects:
    def __init__(self) -> None:
        self._written: dict[int, bytes] = {}
        self._last = 0

    def take(self) -> int:
        self._last += 1
        return self._last

    def put(self, number: int, text: str) -> None:
        self._written[number] = text.encode("cp1252")

    def put_stream(self, number: int, what: str, data: bytes) -> None:
        self._written[number] = f"<< {what} /Length {len(data)} >>\nstream\n".encode() + data + b"\nendstream"

    def put_picture(self, number: int, picture: Image.Image) -> None:
        data = io.BytesIO()
        picture.convert("RGB").save(data, "JPEG", quality=90)
        what = f"/Type /XObject /Subtype /Image /Width {picture.width} /Height {picture.height}"
        self.put_stream(
            number, f"{what} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode", data.getvalue()
        )

    def put_outline(self, outline: Sequence[tuple[str, int]], kids: Sequence[int]) -> str:
        if not outline:
            return ""
        root, *marks = [self.take() for _ in range(len(outline) + 1)]
        for at, (title, page) in enumerate(outline):
            following = f"/Next {marks[at + 1]} 0 R" if at + 1 < len(marks) else ""
            self.put(marks[at], f"<< /Title ({title}) /Parent {root} 0 R /Dest [{kids[page]} 0 R /Fit] {following} >>")
        self.put(root, f"<< /Type /Outlines /First {marks[0]} 0 R /Last {marks[-1]} 0 R /Count {len(marks)} >>")
        return f"/Outlines {root} 0 R"

    def written(self, trailer: str) -> bytes:
        out = bytearray(b"%PDF-1.7\n")
        places = []
        for number, body in sorted(self._written.items()):
            places.append(len(out))
            out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
        begins = len(out)
        out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
        out += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
        out += f"trailer\n<< /Size {len(places) + 1} {trailer} >>\nstartxref\n{begins}\n%%EOF".encode()
        return bytes(out)


def _drawn(words: Words) -> str:
    text = words.text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{words.font} {words.size} Tf {words.left} {words.up} Td ({text}) Tj ET"
