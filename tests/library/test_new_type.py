"""A new type with a local merge is one module and one line: shown in a copy of the package that has one more type."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import crdtctl

#: A high-water mark: a replica keeps the largest amount that it counted or read from another replica.
MODULE = """
from typing import final

from crdtctl.crdt.base import Entry, Entries, OperationContext, Operation, Refused
from crdtctl.crdt.lattice import Nat, Record
from crdtctl.crdt.local_merge import LocallyMergedType, LocalMerge


@final
class Peak(LocallyMergedType):
    tag = "peak"
    record = Record(Nat(), Nat(), required=1)
    summary = "the largest amount that any replica counted"

    def mutate(self, mine: Entry, operation: Operation, here: OperationContext) -> Entry:
        if operation.verb not in ("create", "increment"):
            raise Refused(f"a peak cannot {operation.verb}")
        amount = operation.amount if operation.verb == "increment" else 0
        return self.record.make(mine[0], max(self.record.at(mine, 1), amount))

    def fold(self, entries: Entries) -> int:
        return max((self.record.at(row, 1) for row in entries.values()), default=0)

    def shares(self, entries: Entries) -> dict[str, int]:
        return {replica: self.record.at(row, 1) for replica, row in entries.items()}

    def local_merge(self, mine: Entry | None, here: OperationContext) -> LocalMerge:
        return PeakMerge(self.record.bottom if mine is None else mine, here.seq)

    def carry_over(self, replica: str, row: Entry, here: OperationContext) -> Entry:
        return (here.seq, *row[1:])


class PeakMerge(LocalMerge):
    def __init__(self, mine: Entry, seq: int) -> None:
        self.mine, self.seq, self.largest = mine, seq, Peak.record.at(mine, 1)

    def merge(self, replica: str, theirs: Entry) -> int:
        self.largest = max(self.largest, Peak.record.at(theirs, 1))
        return 0

    @property
    def row(self) -> Entry | None:
        return None if self.largest == Peak.record.at(self.mine, 1) else Peak.record.make(self.seq, self.largest)
"""

LINES = {'    "pncounter": ("PNCounter", False),\n': '    "peak": ("Peak", True),\n'}  # in the registry, before → after
Run = Callable[..., subprocess.CompletedProcess[str]]

# The check at the end of each test does not know the type.
pytestmark = pytest.mark.harms_replicas


@pytest.fixture
def run(tmp_path: Path, environment: dict[str, str]) -> Run:
    """Return a function that runs the copy of the program, in a directory with three replicas."""
    package, work = tmp_path / "copy/crdtctl", tmp_path / "work"
    shutil.copytree(Path(crdtctl.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    (package / "crdt/peak.py").write_text(MODULE)
    registry = package / "crdt/__init__.py"
    text = registry.read_text()
    for before, added in LINES.items():
        assert text.count(before) == 1
        text = text.replace(before, added + before)
    registry.write_text(text)
    work.mkdir()

    def run(replica: str, *words: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "crdtctl", "--replica", replica, *words],
            cwd=work,
            env={**environment, "PYTHONPATH": str(package.parent)},
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done

    for name in ("ann", "bob", "eve"):
        run(".", "init", name, "--name", name)
    run("ann", "create", "load", "--type", "peak")
    run("ann", "increment", "load", "7")
    return run


def test_a_merge_changes_the_own_entry_of_a_new_type(run: Run) -> None:
    run("bob", "increment", "load", "3", "--type", "peak")
    run("ann", "export", "--output", "ann.json")
    run("bob", "merge", "ann.json")
    before = run("bob", "export").stdout
    run("bob", "merge", "ann.json")
    assert run("bob", "show", "load").stdout == "7\n"
    (line,) = [line for line in before.splitlines() if '"peak"' in line]
    (replica,) = json.loads("{" + line.rstrip(",") + "}")["load"]["peak"]
    assert replica.startswith("bob-")
    assert run("bob", "export").stdout == before
    run("bob", "check")


def test_an_exchange_settles_with_a_new_type(run: Run) -> None:
    run("ann", "exchange", "bob")
    run("bob", "exchange", "eve")
    assert run("eve", "show", "load").stdout == "7\n"


def test_a_copied_replica_carries_its_entry_of_a_new_type_over(run: Run, tmp_path: Path) -> None:
    shutil.copytree(tmp_path / "work/ann", tmp_path / "work/copy")
    assert "this replica continues as" in run("copy", "increment", "load", "2").stderr
    assert run("copy", "show", "load").stdout == "7\n"
    run("copy", "check")
