"""Commands that do the same work, run in turns."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from statistics import median

from tests.bench.process import Usage, Wrong, measure


def _nothing() -> None:
    pass


def _any(runs: int) -> None:
    pass


@dataclass(slots=True, kw_only=True)
class Command:
    """What is measured: one process, or several one after the other.

    `prepare` is called before each run, outside the timing; `check` after all runs, with their number: it
    raises `Wrong` unless the answer is right. The seconds are multiplied by `scale`. `meter` returns how many
    requests a server has had.
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
    meter: Callable[[], int] | None = None
    runs: int = 0
    usages: list[Usage] = field(default_factory=list)
    metered: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Run once, and note what it took."""
        self.prepare()
        errors = os.path.join(self.directory, "errors.txt")
        before = self.meter() if self.meter else 0
        with chdir(self.directory):
            each = [measure(words, self.environment, self.output, errors) for words in self.processes]
        if self.is_silent and os.path.getsize(errors):
            with open(errors, encoding="utf-8", errors="replace") as file:
                raise Wrong(f"{self.name} said on stderr: {file.read(2000)}")
        if self.meter:
            self.metered.append(self.meter() - before)
        self.runs += 1
        self.usages.append(Usage(self.scale * sum(usage.seconds for usage in each), max(u.peak for u in each)))

    @property
    def seconds(self) -> float:
        """The median of the runs."""
        return median(usage.seconds for usage in self.usages)

    @property
    def requests(self) -> int | None:
        """The median of the requests that a run made; None if nobody counted."""
        return round(median(self.metered)) if self.metered else None

    @property
    def peak(self) -> int:
        """The largest peak of the runs, in bytes."""
        return max(usage.peak for usage in self.usages)


@dataclass(frozen=True, slots=True)
class Rival:
    """Another command for the same work, and how many times its seconds ours may take (None: only shown)."""

    command: Command
    limit: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """Our command against others. `turns` times as many turns as usual are taken, where they are short."""

    ours: Command
    rivals: Sequence[Rival]
    memory_limit: int | None = None
    turns: int = 1

    def run(self, rounds: int) -> None:
        """Run all in turns, after one run each that is not counted; then check every answer."""
        commands = [self.ours, *(rival.command for rival in self.rivals)]
        for command in commands:
            command.run()
            command.usages.clear()
            command.metered.clear()
        for _ in range(rounds * self.turns):
            for command in commands:
                command.run()
        for command in commands:
            command.check(command.runs)


def program(name: str) -> str:
    """Return the path of a program, which must be there (see `missing`)."""
    found = shutil.which(name)
    if found is None:
        raise Wrong(f"there is no program '{name}'")
    return found


def missing(*names: str) -> list[str]:
    """Return which of the programs are not on this machine."""
    return [name for name in names if shutil.which(name) is None]
