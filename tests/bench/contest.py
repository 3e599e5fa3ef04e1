"""Commands for the same work, run in turns."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from statistics import median
from time import monotonic

from tests.bench.process import Usage, Wrong, measure

#: A median of fewer turns varies too much.
_FEWEST_TURNS = 3


def _nothing() -> None:
    pass


def _any(runs: int) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class Command:
    """The subject of a measurement: one process, or several one after the other.

    `prepare` is called before each run, outside the timing. `check` is called after all runs, with their number. It
    raises `Wrong` unless the answer is right. The seconds are multiplied by `scale`. The `meters` are functions for
    each unit, such as requests or bytes, that return the amount moved so far.
    """

    name: str
    processes: Sequence[list[str]]
    directory: str
    environment: Mapping[str, str]
    output: str = os.devnull
    prepare: Callable[[], None] = _nothing
    check: Callable[[int], None] = _any
    scale: float = 1
    is_silent: bool = False
    meters: Mapping[str, Callable[[], int]] = field(default_factory=dict)
    runs: int = 0
    usages: list[Usage] = field(default_factory=list)
    metered: list[dict[str, int]] = field(default_factory=list)

    def run(self) -> None:
        """Run once, and record the usage."""
        self.prepare()
        errors = os.path.join(self.directory, "errors.txt")
        before = {what: meter() for what, meter in self.meters.items()}
        with chdir(self.directory):
            each = [measure(words, self.environment, self.output, errors) for words in self.processes]
        if self.is_silent and os.path.getsize(errors):
            with open(errors, encoding="utf-8", errors="replace") as file:
                raise Wrong(f"{self.name} printed to standard error: {file.read(2000)}")
        self.metered.append({what: meter() - before[what] for what, meter in self.meters.items()})
        self.runs += 1
        self.usages.append(Usage(self.scale * sum(usage.seconds for usage in each), max(u.peak for u in each)))

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return median(usage.seconds for usage in self.usages)

    @property
    def moved(self) -> dict[str, int]:
        """Return unit → median of the amount that a run moved. Empty without meters."""
        return {what: round(median(one[what] for one in self.metered)) for what in self.meters}

    @property
    def peak(self) -> int:
        """The largest peak of the runs, in bytes."""
        return max(usage.peak for usage in self.usages)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another command for the same work. The limit is the largest ratio of our seconds to its seconds, or None."""

    command: Command
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Our command against others. Commands that are short take `turns` times the usual number of turns."""

    ours: Command
    rivals: Sequence[Rival]
    memory_limit: int | None = None
    turns: int = 1

    def run(self, rounds: int, seconds: float) -> None:
        """Run all in turns, after one run of each that is not counted; then check every answer.

        No further turn begins after this number of seconds, except to reach `_FEWEST_TURNS`.
        """
        commands = [self.ours, *(rival.command for rival in self.rivals)]
        for command in commands:
            command.run()
            command.usages.clear()
            command.metered.clear()
        end = monotonic() + seconds
        for turn in range(rounds * self.turns):
            if turn >= _FEWEST_TURNS and monotonic() > end:
                break
            for command in commands:
                command.run()
        for command in commands:
            command.check(command.runs)


def program(name: str) -> str:
    """Return the path of a program, which must exist (see `missing`)."""
    found = shutil.which(name)
    if found is None:
        raise Wrong(f"the program '{name}' is missing")
    return found


def missing(*names: str) -> list[str]:
    """Return the programs that this machine lacks."""
    return [name for name in names if shutil.which(name) is None]
