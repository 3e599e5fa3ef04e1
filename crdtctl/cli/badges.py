"""A figure → a badge: a picture for a page, or the JSON that shields.io reads from an endpoint. Pure."""

from __future__ import annotations

from xml.sax.saxutils import escape

from crdtctl.records import NamedTuple

#: Whether a figure is within its bounds → the name of a colour at shields.io, and the colour; None without bounds.
_COLOURS = {True: ("brightgreen", "#2a7d1d"), False: ("red", "#b3261e"), None: ("blue", "#0b61a4")}
#: Maximum number of characters of each half.
MAX_TEXT = 100
_HEIGHT = 20
_PADDING = 6
#: Widths of characters in the font in pixels. Other ones are as wide as `_WIDE`, and those beyond Latin as `_WIDEST`.
_NARROW, _WIDE, _WIDEST = 4, 7, 12
_NARROW_LETTERS = frozenset("ijlftI.,:;'|!()[] ")


class Badge(NamedTuple):
    """A badge: the text of each half, and whether the figure is within bounds, None without bounds."""

    label: str
    message: str
    is_good: bool | None


def endpoint(badge: Badge) -> dict[str, object]:
    """Return the answer of an endpoint for shields.io.

    >>> endpoint(Badge("builds", "7", None))
    {'schemaVersion': 1, 'label': 'builds', 'message': '7', 'color': 'blue'}
    """
    return {
        "schemaVersion": 1,
        "label": _short(badge.label),
        "message": _short(badge.message),
        "color": _COLOURS[badge.is_good][0],
    }


def svg(badge: Badge) -> str:
    """Return a picture in SVG without fonts, links and scripts of its own."""
    label, message = _short(badge.label), _short(badge.message)
    left, right = _width(label), _width(message)
    title = escape(f"{label}: {message}", {'"': "&quot;"})
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" aria-label="{title}">
<title>{title}</title>
<clipPath id="r"><rect width="{left + right}" height="{_HEIGHT}" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="{_HEIGHT}" fill="#4a4a4a"/>\
<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{_COLOURS[badge.is_good][1]}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">\
{_text(label, left / 2, left)}{_text(message, left + right / 2, right)}</g>
</svg>
"""


def _text(text: str, middle: float, width: int) -> str:
    long = f' textLength="{width - 2 * _PADDING}" lengthAdjust="spacingAndGlyphs"' if text else ""
    return f'<text x="{middle:g}" y="14"{long}>{escape(text)}</text>'


def _width(text: str) -> int:
    wide = sum(_NARROW if letter in _NARROW_LETTERS else _WIDE if ord(letter) < 0x2000 else _WIDEST for letter in text)
    return wide + 2 * _PADDING


def _short(text: str) -> str:
    """Return a text as one line of a bounded length."""
    line = "".join([letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text])
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"
