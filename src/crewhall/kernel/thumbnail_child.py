"""Makes one thumbnail: an image on standard input; its size, a line feed and a WebP on standard output.

An argument says its longest side in pixels. A process of its own, started with nothing of Crewhall: what decodes
strangers' bytes has little memory and time, writes no file, and may die. Leaves by 3 when
the image cannot be read or is too large.
"""

import io
import resource
import sys

MEMORY = 1024 * 1024 * 1024
CPU_S = 10
MOST_PIXELS = 64_000_000
"""Width times height of what is decoded at all: a photograph of a good phone."""
SIZE = (960, 720)
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
ORIENTATION, LYING = 0x0112, {5, 6, 7, 8}
"""The tag that says how a camera was held, and what it says where width and height change places."""
REFUSED = 3


def limit() -> None:
    """Take little of the machine, whatever the bytes say."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def make(data: bytes, size: tuple[int, int] = SIZE) -> bytes:
    """The size of the image as it is seen, and its thumbnail, which holds nothing of its metadata."""
    from PIL import Image, ImageOps

    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        width, height = image.size
        if width * height > MOST_PIXELS:
            raise ValueError("too many pixels")
        if image.getexif().get(ORIENTATION, 1) in LYING:
            width, height = height, width
        image.draft("RGB", (size[0] * 2, size[1] * 2))  # of a JPEG only as much as is needed
        upright = ImageOps.exif_transpose(image)
        is_see_through = upright.mode in {"RGBA", "LA", "PA"} or "transparency" in upright.info
        plain = upright.convert("RGBA" if is_see_through else "RGB")
        plain.thumbnail(size)
        made = Image.new(plain.mode, plain.size)
        made.paste(plain)  # the pixels alone: nothing that came along with them
        out = io.BytesIO()
        made.save(out, "WEBP", quality=80)
    return b"%d %d\n" % (width, height) + out.getvalue()


def main() -> int:
    """Make it, or leave by REFUSED."""
    limit()
    try:
        size = (int(sys.argv[1]),) * 2 if len(sys.argv) > 1 else SIZE
        made = make(sys.stdin.buffer.read(), size)
    except Exception:  # noqa: BLE001 - whatever strangers' bytes do to the decoder, it is this image's fault
        return REFUSED
    sys.stdout.buffer.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
