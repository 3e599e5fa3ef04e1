"""The data of a report → one chart as SVG, for a page or a README. Pure.

One counter with periods has columns of days. Several counters, or the series of one, have bars, the largest first.
"""

from __future__ import annotations

from datetime import UTC
from html import escape

from crdtctl.cli.calendar import label
from crdtctl.report.figures import DAY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

#: The beginning of every chart.
MARK = b"<!-- crdtctl report -->"
#: Maximum number of bars, and of characters of a name beside one.
BARS = 20
_LETTERS = 32
_WIDTH = 640
_NAMES = 230
_NUMBERS = 150
_ROW = 24
_HEIGHT = 200
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#1b1f24}.n{text-anchor:end}rect{fill:#3b82c4}line{stroke:#8a949e}"
    "@media(prefers-color-scheme:dark){text{fill:#e6e9ec}rect{fill:#4f93cf}}"
)


def chart(data: Mapping[str, Any]) -> bytes:
    """Return the chart of a report."""
    counters = data["counters"]
    if len(counters) == 1 and counters[0]["days"]:
        title, height, shapes = f"{counters[0]['name']} per day", _HEIGHT, [*_columns(counters[0]["days"])]
    else:
        if len(counters) == 1 and counters[0]["series"] > 1:
            title = counters[0]["name"]
            amounts = [(_labels(labels), int(value)) for _, labels, value in data["series"]]
        else:
            title = "Counters"
            amounts = [(one["name"], int(one["value"])) for one in counters]
        amounts.sort(key=lambda one: (-one[1], one[0]))
        title += f", the largest {BARS} of {len(amounts)}" if len(amounts) > BARS else ""
        height, shapes = _ROW * (min(len(amounts), BARS) + 1), [*_bars(amounts[:BARS])]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    named = f'{head} role="img" aria-label="{escape(title)}"><title>{escape(title)}</title><style>{_STYLE}</style>'
    lines = [named, _text(0, 16, title), *shapes, "</svg>"]
    return MARK + "\n".join([*lines, ""]).encode()


def _bars(amounts: Sequence[tuple[str, int]]) -> Iterator[str]:
    """Yield a row for each amount: its name, a bar, and the number."""
    longest = max([one for _, one in amounts], default=0)
    for row, (name, amount) in enumerate(amounts, 1):
        y = row * _ROW
        short = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
        width = _part(amount, longest, _WIDTH - _NAMES - _NUMBERS)
        yield _text(0, y + 16, short, name)
        yield f'<rect x="{_NAMES}" y="{y + 4}" width="{width}" height="{_ROW - 8}"/>'
        yield _text(_WIDTH, y + 16, f"{amount:,}", side="n")


def _columns(days: Sequence[tuple[int, int | str]]) -> Iterator[str]:
    """Yield a column for each day that has an amount, with its title, and the axis."""
    bottom, top = _HEIGHT - _ROW, 2 * _ROW
    first, last = days[0][0], days[-1][0]
    longest = max(int(amount) for _, amount in days)
    step = (_WIDTH - 1) / max(last - first + 1, 7)
    yield _text(_WIDTH, 16, f"up to {longest:,}", side="n")
    yield f'<line x1="0" x2="{_WIDTH}" y1="{bottom}" y2="{bottom}"/>'
    for day, amount in days:
        height = _part(int(amount), longest, bottom - top)
        x, width = (day - first) * step, step - (1 if step > 3 else 0)
        about = f"<title>{_day(day)}: {int(amount):,}</title>"
        yield f'<rect x="{x:.1f}" y="{bottom - height:.1f}" width="{width:.1f}" height="{height:.1f}">{about}</rect>'
    yield _text(0, _HEIGHT - 6, _day(first))
    yield _text(_WIDTH, _HEIGHT - 6, _day(last), side="n")


def _part(amount: int, longest: int, length: int) -> float:
    """Return the length of an amount. Amounts may be larger than the numbers of SVG."""
    return max(amount, 0) * length * 10 // longest / 10 if longest > 0 else 0.0


def _text(x: int, y: int, words: str, about: str = "", *, side: str = "") -> str:
    title = f"<title>{escape(about)}</title>" if about not in ("", words) else ""
    place = f'x="{x}" y="{y}" class="{side}"' if side else f'x="{x}" y="{y}"'
    return f"<text {place}>{escape(words)}{title}</text>"


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items()) or "without labels"


def _day(number: int) -> str:
    return label("day", UTC, number * DAY)
