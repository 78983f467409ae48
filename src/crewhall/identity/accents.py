"""An organization's accent: one colour, made legible on every surface, in light and in dark.

Hue and colourfulness are kept; lightness gives way until text in the accent, and text on it, has the contrast
that WCAG 2.2 asks of small text. Colours are OKLCH (lightness 0 to 1, chroma, hue in
degrees) and linear sRGB in between.
"""

from functools import lru_cache
from math import atan2, cos, degrees, hypot, radians, sin

from msgspec import Struct

LEGIBLE = 4.5
MOST_CHROMA, MOST_CHROMA_DARK = 0.27, 0.13
LINEAR_BELOW, ENCODED_BELOW = 0.0031308, 0.04045
"""Where the curve of sRGB is a line."""
LOWEST, HIGHEST = -0.0005, 1.0005
STEP = 0.005
Lch = tuple[float, float, float]
Rgb = tuple[float, float, float]

LIGHT_SURFACES: tuple[Lch, ...] = ((0.992, 0.004, 100), (0.957, 0.010, 105), (1.0, 0.0, 0.0), (0.965, 0.007, 105))
DARK_SURFACES: tuple[Lch, ...] = ((0.212, 0.011, 178), (0.182, 0.011, 178), (0.258, 0.013, 178), (0.178, 0.010, 178))
"""Paper, hall, raised and sunken, as tokens.css has them."""


class Shades(Struct, frozen=True):
    """The colours that an accent gives a theme, as `#rrggbb`, under the names of tokens.css."""

    accent: str
    accent_hover: str
    accent_soft: str
    accent_ink: str
    on_accent: str


class Accent(Struct, frozen=True):
    """An accent in both themes. `is_changed`: the light one is not quite what was chosen."""

    light: Shades
    dark: Shades
    is_changed: bool

    def stylesheet(self) -> str:
        """What a page adds to its styles; outside of every layer, so that it comes after tokens.css."""
        names = list(self.light.__struct_fields__)
        lines = [
            f"--{name.replace('_', '-')}:light-dark({getattr(self.light, name)},{getattr(self.dark, name)})"
            for name in names
        ]
        return ":root{" + ";".join(lines) + "}\n"


@lru_cache(maxsize=256)
def accent_of(chosen: str) -> Accent:
    """The accent that a colour (`#rrggbb`) makes."""
    lightness, chroma, hue = _lch(_linear(chosen))
    chroma = min(chroma, MOST_CHROMA)
    light, dark = _light(lightness, chroma, hue), _dark(lightness, chroma, hue)
    return Accent(light, dark, is_changed=light.accent != chosen.lower())


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(_linear(one)), _luminance(_linear(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _light(lightness: float, chroma: float, hue: float) -> Shades:
    soft = hex_of((0.935, min(chroma, 0.03), hue))
    on_accent = hex_of((0.99, min(chroma, 0.01), hue))
    surfaces = [*map(hex_of, LIGHT_SURFACES), soft]
    accent = _until_legible((lightness, chroma, hue), [*surfaces, on_accent], -STEP)
    ink = _until_legible((min(accent[0] - 0.05, 0.42), chroma, hue), surfaces, -STEP)
    hover = (max(accent[0] - 0.05, 0.0), accent[1], hue)
    return Shades(hex_of(accent), hex_of(hover), soft, hex_of(ink), on_accent)


def _dark(lightness: float, chroma: float, hue: float) -> Shades:
    soft = hex_of((0.31, min(chroma, 0.042), hue))
    on_accent = hex_of((0.19, min(chroma, 0.03), hue))
    surfaces = [*map(hex_of, DARK_SURFACES), soft]
    accent = _until_legible((max(lightness, 0.7), min(chroma, MOST_CHROMA_DARK), hue), [*surfaces, on_accent], STEP)
    ink = _until_legible((max(accent[0] + 0.05, 0.85), min(chroma, 0.1), hue), surfaces, STEP)
    hover = (min(accent[0] + 0.05, 1.0), accent[1], hue)
    return Shades(hex_of(accent), hex_of(hover), soft, hex_of(ink), on_accent)


def _until_legible(start: Lch, against: list[str], step: float) -> Lch:
    lightness, chroma, hue = start
    while 0.0 < lightness < 1.0 or (step < 0) == (lightness >= 1.0):
        shown = hex_of((lightness, chroma, hue))
        if all(contrast(shown, other) >= LEGIBLE for other in against):
            break
        lightness += step
    return min(max(lightness, 0.0), 1.0), chroma, hue


def _linear(colour: str) -> Rgb:
    def channel(at: int) -> float:
        value = int(colour[at : at + 2], 16) / 255
        return value / 12.92 if value <= ENCODED_BELOW else float(((value + 0.055) / 1.055) ** 2.4)

    return channel(1), channel(3), channel(5)


def _luminance(rgb: Rgb) -> float:
    return 0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]


def _lch(rgb: Rgb) -> Lch:
    red, green, blue = rgb
    long = _root(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = _root(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = _root(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    along = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    across = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, hypot(along, across), degrees(atan2(across, along)) % 360


def _root(value: float) -> float:
    return float(max(value, 0.0) ** (1 / 3))


def _rgb(lch: Lch) -> Rgb:
    lightness, chroma, hue = lch
    along, across = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * along + 0.2158037573 * across) ** 3
    middle = (lightness - 0.1055613458 * along - 0.0638541728 * across) ** 3
    short = (lightness - 0.0894841775 * along - 1.2914855480 * across) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )


def hex_of(lch: Lch) -> str:
    """The nearest colour of a screen, of the same lightness and hue: colourfulness gives way."""
    lightness, chroma, hue = lch
    rgb = _rgb(lch)
    while chroma > 0 and not all(LOWEST <= channel <= HIGHEST for channel in rgb):
        chroma = max(chroma - STEP, 0.0)
        rgb = _rgb((lightness, chroma, hue))
    return "#" + "".join(f"{_byte(channel):02x}" for channel in rgb)


def _byte(value: float) -> int:
    value = min(max(value, 0.0), 1.0)
    return round(255 * (12.92 * value if value <= LINEAR_BELOW else 1.055 * value ** (1 / 2.4) - 0.055))
