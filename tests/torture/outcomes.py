"""Failures after the rename: 76 if the change may not last, 79 if it could not be reported, and otherwise silence.

Every system call of a command after the rename of the new file is made to fail. So is every write to standard output.
"""

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from tests.conftest import PROGRAM, Result, Shell
from tests.support import strace
from tests.support.stored_states import counted_state
from tests.support.terminal import on_terminal
from tests.torture.report import Row, skipped
from tests.torture.scenes import WRITES, Scene, scene
from tests.torture.scratch import scratch

UNKNOWN = 76
UNREPORTED = 79
UNWRITABLE = ("EPIPE", "ENOSPC", "EIO")
ERRORS = ("EIO", "ENOSPC")
_FEW = 20
#: This number of counters is more than one buffer of output.
_MANY = {f"counter {number:05}": 1 for number in range(2000)}


@dataclass(frozen=True)
class Case:
    """A command that writes: its words, and the expected values afterwards."""

    words: str
    is_applied: Callable[[Scene], bool]
    terminal: bool = False

    def __str__(self) -> str:
        return f"{self.words}{' (on a terminal)' if self.terminal else ''}"


@dataclass(frozen=True)
class Tried:
    """One run: the failing call, its case, and the end of the command.

    `usual` is the text on standard error without a failure: on a terminal, these are notes.
    """

    case: Case
    point: strace.Point
    error: str
    scene: Scene
    ended: Result
    usual: str

    @property
    def said(self) -> str:
        """Return the text on standard error beyond the usual one."""
        lines = self.ended.stderr.splitlines(keepends=True)
        return "".join(line for line in lines if line not in self.usual.splitlines(keepends=True))


def _adds(added: dict[str, int]) -> Callable[[Scene], bool]:
    return lambda made: made.has(added)


def _is_made(made: Scene) -> bool:
    try:
        return Replica(made.directory / "elsewhere" / ".crdtctl").id.startswith("elsewhere-")
    except CrdtctlError:
        return False


def _is_exported(made: Scene) -> bool:
    return (made.directory / "out.json").read_bytes() == made.replica.export_bytes()


_INIT = Case("init elsewhere/.crdtctl --name elsewhere", _is_made)
_EXPORT = Case("export -o out.json", _is_exported)
_SILENT = tuple(Case(words, _adds(added)) for words, added in WRITES.items())
_MERGES = tuple(
    Case(f"merge other.json --format {form}", _adds(WRITES["merge other.json"]))
    for form in ("json", "ndjson", "csv", "tsv", "toml", "value", "table")
)
#: What writes and prints.
REPORTING = (
    *_MERGES,
    Case("merge many.json --format json", _adds(_MANY)),
    _INIT,
    *(replace(case, terminal=True) for case in (*_SILENT, _INIT)),
)
#: What writes.
ALL = (*_SILENT, _EXPORT, *REPORTING)


def measure(part: float) -> list[Row]:
    """Make the calls after a rename fail."""
    rows = (
        ("every write to standard output fails after the change", "status 79, and applied", unreported),
        ("every system call after the rename fails", "76 only if it may not last, and always applied", afterwards),
    )
    if strace.missing():
        return [skipped(what, wanted, strace.missing()) for what, wanted, _ in rows]
    found = []
    for what, wanted, sweep in rows:
        with scratch() as shell:
            tried, wrong = sweep(shell, part)
        seen = f"{tried} failures in {len(ALL if sweep is afterwards else REPORTING)} commands, {len(wrong)} faults"
        found.append(Row(what, wanted, seen, not wrong and tried > 0, wrong[:10]))
    return found


def unreported(shell: Shell, part: float = 1.0, errors: Sequence[str] = UNWRITABLE) -> tuple[int, list[str]]:
    """Let each write to standard output fail in every way; return the number of runs, and the faults."""

    def points(found: list[strace.Point]) -> list[strace.Point]:
        return [point for point in found if "write(1, " in point.line]

    wrong = []
    tried = 0
    for one in _sweep(shell, REPORTING, "write", points, errors, part):
        tried += 1
        wrong += [f"{one.case}, {one.error}: {fault}; {one.ended}" for fault in _judge_unreported(one)]
    return tried, wrong


def afterwards(shell: Shell, part: float = 1.0, cases: Sequence[Case] = ALL) -> tuple[int, list[str]]:
    """Let each system call after the rename fail in every way; return the number of runs, and the faults.

    Of the long row of calls that load the library for tables, only some are tried.
    """

    def points(found: list[strace.Point]) -> list[strace.Point]:
        renames = [index for index, point in enumerate(found) if point.call.startswith("rename")]
        found = found[renames[-1] + 1 :]
        return found[:_FEW] + found[_FEW :: max(1, len(found) // _FEW)]

    wrong = []
    tried = 0
    for one in _sweep(shell, cases, strace.CALLS, points, ERRORS, part):
        tried += 1
        wrong += [f"{one.case}, {one.point.line} {one.error}: {fault}; {one.ended}" for fault in _judge_after(one)]
    return tried, wrong


def _judge_unreported(one: Tried) -> Iterator[str]:
    if one.ended.status != UNREPORTED:
        yield "the status is not 79"
    if not re.fullmatch(r".*applied.*\n", one.said):
        yield "the report is not one line that the change was applied"
    if not one.case.is_applied(one.scene):
        yield "it was not applied"


def _judge_after(one: Tried) -> Iterator[str]:
    if not one.case.is_applied(one.scene):
        yield "it was not applied"
    is_sync = one.point.call == "fsync" or (one.point.call == "openat" and _opens_parent(one.point.line, one.scene))
    if is_sync:
        if one.ended.status != UNKNOWN:
            yield "the change may not last, and this was not reported"
    elif one.ended.status == UNREPORTED:
        if one.said.count("\n") != 1:
            yield "not one line of words"
    elif one.ended.status != 0:
        yield "the change was applied, and this was not reported"
    elif one.point.call != "write" and one.said:
        yield "words about nothing"


def _opens_parent(line: str, made: Scene) -> bool:
    """Return whether the call opens the directory of the new name, to sync it."""
    return "O_DIRECTORY" in line and f'"{made.directory}' in line and '.crdtctl"' not in line


def _sweep(
    shell: Shell,
    cases: Sequence[Case],
    calls: str,
    points: Callable[[list[strace.Point]], list[strace.Point]],
    errors: Sequence[str],
    part: float,
) -> Iterator[Tried]:
    """Run each case once for each of its points and each error, or a part of all that."""
    number = 0
    log = shell.directory / "log"
    for case in cases:
        with _scene(shell, case) as made:  # so that Python has compiled all that the case loads
            (on_terminal if case.terminal else Shell.__call__)(
                Shell(made.directory, shell.environment), *case.words.split()
            )
        with _scene(shell, case) as made:
            ended = _run(shell, case, made, trace=calls, log=log)
            assert ended.status == 0
            assert case.terminal or ended.stderr == ""
            assert "applied" not in ended.stderr
            assert case.is_applied(made)
            usual = ended.stderr
        for point in points(strace.logged(log)):
            for error in errors:
                number += 1
                if int(number * part) == int((number - 1) * part):
                    continue
                with _scene(shell, case) as made:
                    ended = _run(shell, case, made, log=log, **strace.at(point, f"error={error}"))
                    yield Tried(case, point, error, made, ended, usual)


@contextmanager
def _scene(shell: Shell, case: Case) -> Iterator[Scene]:
    """Make a scene, in the same place each time, and without the state directory that the last run has made."""
    made = scene(shell.directory / "scene")
    (made.directory / "elsewhere").mkdir()
    if "many.json" in case.words:
        (made.directory / "many.json").write_bytes(counted_state("many", _MANY))
    try:
        yield made
    finally:
        shutil.rmtree(made.directory)
        shutil.rmtree(Path(shell.environment["HOME"], ".local"), ignore_errors=True)


def _run(shell: Shell, case: Case, made: Scene, *, trace: str, inject: str = "", log: Path) -> Result:
    environment = strace.without_caches(shell.environment)
    words = case.words.split()
    if case.terminal:
        program = [*strace.prefix(trace, inject, log), *PROGRAM]
        ended = on_terminal(Shell(made.directory, environment), *words, program=program)
        strace.assert_reached(inject, log, is_killed=False)
        return ended
    done = strace.run(words, environment, trace=trace, inject=inject, log=log, directory=made.directory)
    return Result(done.status, done.stdout, done.stderr)
