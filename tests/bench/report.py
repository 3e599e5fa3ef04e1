"""Medians and ratios, as the rows of a Markdown table."""

from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.contest import Command, Contest

COLUMNS = ("what", "crdtctl", "against", "that takes", "ratio", "limit", "reached")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; without a limit, `reached` is None."""

    cells: tuple[str, ...]
    reached: bool | None


def rows(what: str, contest: Contest) -> Iterator[Row]:
    """Yield the results of a contest: a row for each rival, and one for the memory if that has a limit."""
    ours = contest.ours
    for rival in contest.rivals:
        ratio = ours.seconds / rival.command.seconds
        reached = None if rival.limit is None else ratio <= rival.limit
        times = (what, _taken(ours), rival.command.name, _taken(rival.command), _ratio(ratio))
        yield Row((*times, _limit(rival.limit), _verdict(reached)), reached)
    if contest.memory_limit is not None:
        reached = ours.peak <= contest.memory_limit
        others = [(rival.command.name, _memory(rival.command.peak)) for rival in contest.rivals] or [("", "")]
        limit = _memory(contest.memory_limit)
        cells = (f"{what}: peak memory", _memory(ours.peak), *others[0], "", limit, _verdict(reached))
        yield Row(cells, reached)


def line(cells: tuple[str, ...]) -> str:
    """Return a line of the table."""
    return f"| {' | '.join(cells)} |"


def heading() -> list[str]:
    """Return the first two lines of the table."""
    return [line(COLUMNS), f"|{'---|' * len(COLUMNS)}"]


def _verdict(reached: bool | None) -> str:
    return {True: "yes", False: "NO", None: ""}[reached]


def _limit(limit: float | None) -> str:
    return "" if limit is None else f"{limit:g}"


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.3f}"


def _taken(command: Command) -> str:
    return ", ".join([_time(command.seconds), *(_amount(what, number) for what, number in command.moved.items())])


def _amount(what: str, number: int) -> str:
    if what == "bytes":
        return f"{number / 1000:,.0f} kB"
    return f"{number:,} {what[:-1] if number == 1 else what}"


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _memory(size: int) -> str:
    return f"{size / 1_000_000:,.0f} MB"
