"""The output of the torture program: for each promise one row with the results, and whether it holds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One promise: the attack, the condition, the results. `holds` is None if this machine could not run it."""

    what: str
    wanted: str
    seen: str
    holds: bool | None
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def verdict(self) -> str:
        """Return one word."""
        return {True: "yes", False: "NO", None: "skipped"}[self.holds]


#: A function that measures rows. Its argument is the part to run: 1.0 is everything, less is quicker.
Measure = Callable[[float], list[Row]]


def skipped(what: str, wanted: str, reason: str) -> Row:
    """Return the row of a promise that cannot be tried here."""
    return Row(what, wanted, f"not run: {reason}", None)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    lines = ["| what | must hold | seen | holds |", "|---|---|---|---|"]
    lines += [f"| {row.what} | {row.wanted} | {row.seen} | {row.verdict} |" for row in rows]
    return "\n".join(lines)


def notes(rows: Sequence[Row]) -> str:
    """Return the notes of all rows as a list that a page folds away."""
    lines = [f"* {row.what}: {note}" for row in rows for note in row.notes]
    return "\n".join(["<details><summary>Notes on the rows</summary>", "", *lines, "", "</details>"])
