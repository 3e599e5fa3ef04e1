"""Rows: commands that take little more than a start of Python, against a bare one; help, against its library."""

from collections.abc import Callable
from pathlib import Path

from tests.bench import amounts
from tests.bench.contest import Command, Contest, Rival
from tests.bench.ground import Ground
from tests.bench.process import Wrong

#: The largest ratios: of commands with one replica, of those with other files, and of help.
_SMALL = 1.6
_WITH_FILES = 2.5
_HELP = 1.25
_TURNS = 3

Row = Callable[[Ground], Contest]


def contests() -> dict[str, Row]:
    """Return title → function that makes the contest."""
    return {
        "`increment NAME --once KEY`": once,
        "`increment A=2 B=1`": pairs,
        "`add NAME ELEMENT`": _printing("add visitors ada", _SMALL, ""),
        "`show NAME --format json`": _printing(f"show {amounts.name(1)} --format json", _SMALL, '{"schema":'),
        "`show NAME --by-replica`": _printing(f"show {amounts.name(1)} --by-replica", _SMALL, amounts.name(1)),
        "`show`, 1,000 counters": _printing("show", _SMALL, f"{amounts.name(0)}\tpncounter\t{amounts.own(0)}\n"),
        "`clock`": _printing("clock", _SMALL, '{"few-'),
        "`export`": _printing("export -o exported.json", _WITH_FILES, "", few=False),
        "`merge`, two small states": merge_two,
        "`status`": _printing("status", _WITH_FILES, "few-"),
        "`check`": _printing("check", _WITH_FILES, "", few=False),
        "`--help`": _printing("--help", _HELP, "usage:", "import typer"),
        "`show --help`": _printing("show --help", _HELP, "usage:", "import typer"),
        "`help types`": _printing("help types", _HELP, "", "import typer"),
    }


def _contest(ground: Ground, ours: Command, limit: float, program: str = "pass") -> Contest:
    return Contest(ours=ours, rivals=[Rival(ground.python_command(program), limit)], turns=_TURNS)


def _printing(words: str, limit: float, start: str, program: str = "pass", *, few: bool = True) -> Row:
    """Return the row of a command whose output has this start, in any case; of one counter, or of a few."""

    def make(ground: Ground) -> Contest:
        output = ground.root / "output.txt"
        directory = ground.few if few else ground.replica(f"one-{words.split()[0]}")
        if not few:
            ground.call([ground.crdtctl, "increment", "builds"], directory)

        def check(runs: int) -> None:
            if not output.read_text().lower().startswith(start.lower()):
                raise Wrong(f"'{words}' printed {output.read_text()[:200]}")

        ours = ground.ours(words.split(), directory=directory, check=check, output=str(output))
        return _contest(ground, ours, limit, program)

    return make


def once(ground: Ground) -> Contest:
    """Count under another idempotency key each time."""
    directory = ground.replica("once")
    keys = iter(range(10**6))

    def prepare() -> None:
        ours.processes[0][-1] = f"job-{next(keys)}"

    def check(runs: int) -> None:
        if ground.value(directory, "jobs") != runs:
            raise Wrong(f"jobs is {ground.value(directory, 'jobs')} after {runs} keys")

    ours = ground.ours(["increment", "jobs", "--once", "KEY"], directory=directory, check=check, prepare=prepare)
    return _contest(ground, ours, _SMALL)


def pairs(ground: Ground) -> Contest:
    """Count two counters in one commit."""
    directory = ground.replica("pairs")

    def check(runs: int) -> None:
        found = ground.value(directory, "A"), ground.value(directory, "B")
        if found != (2 * runs, runs):
            raise Wrong(f"A and B are {found} after {runs} runs")

    ours = ground.ours(["increment", "A=2", "B=1"], directory=directory, check=check)
    return _contest(ground, ours, _SMALL)


def merge_two(ground: Ground) -> Contest:
    """``merge`` of two small files into a replica that has a third."""
    saved = ground.saved("two", ground.small / "2.json")
    directory = saved.directory.parent
    name, value = next(iter(amounts.small_total(range(3)).items()))

    def check(runs: int) -> None:
        found = ground.value(directory, name)
        if found != value:
            raise Wrong(f"{name} is {found} after the merge of two small files, not {value}")

    words: list[str | Path] = ["merge", ground.small / "0.json", ground.small / "1.json"]
    return _contest(ground, ground.ours(words, directory=directory, check=check, prepare=saved.restore), _WITH_FILES)
