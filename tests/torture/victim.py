"""A replica on a disk that is about to fail: its acknowledged counts, and its counts afterwards."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from crdtctl.store.check import check_input, check_replica
from crdtctl.store.inputs import Input
from tests.conftest import PROGRAM
from tests.support import large

#: The commands that write, each in a way of its own.
WRITES = ("increment, fast", "increment, full", "batch", "stream", "merge", "export", "init")
#: Of a replica with an ``own.recent.json``; the third one moves its changes to ``own.json``.
LARGE_WRITES = ("grow", "increment, fast", "move", "increment, fast", "increment, full", "move", "export")

#: Verdicts: an acknowledged count is missing; a count is there that was never written.
LOST = "lost"
CORRUPT = "corrupt"


@dataclass(frozen=True)
class Held:
    """The content of a disk: its replicas, the totals of the first, and its last export."""

    replicas: tuple[tuple[str, str], ...] = ()
    totals: tuple[tuple[str, int], ...] = ()
    export: bytes = b""

    def plus(self, **amounts: int) -> "Held":
        """Return this, with more counted."""
        totals = dict(self.totals)
        for name, amount in amounts.items():
            totals[name] = totals.get(name, 0) + amount
        return replace(self, totals=tuple(sorted(totals.items())))


class Victim:
    """A replica on a disk, the home of its user beside it, and a peer on another disk."""

    def __init__(self, root: Path, safe: Path, program: Sequence[str] = PROGRAM) -> None:
        self.root = root
        self.replica = root / "replica"
        self.program = program
        self.peer = safe / "peer"
        self.state = safe / "peer.json"
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRDTCTL", "_CRDTCTL", "XDG_"))}
        self.here = {**kept, "HOME": str(root / "home"), "LC_ALL": "C.UTF-8"}
        self.there = {**self.here, "HOME": str(safe / "home")}
        self._at_peer("init", "--name", "peer")

    def run(self, *words: str | Path, stdin: str = "") -> str:
        """Run the program, which must acknowledge, and return its output."""
        return _run([*self.program, "--replica", self.replica, *words], self.here, stdin)

    def start(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """Start the program, with pipes for its input and output."""
        command = [*self.program, "--replica", self.replica, *words]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.here)

    def _at_peer(self, *words: str | Path) -> None:
        _run([*PROGRAM, "--replica", self.peer, *words], self.there)

    def init(self) -> Held:
        """Make the replica."""
        self.run("init", "--name", "victim")
        return Held((("replica", ""),))

    def write(self, what: str, held: Held) -> Held:
        """Run a write on a disk with the content `held`; return the content after it is acknowledged."""
        if what == "increment, fast":
            self.run("increment", "builds")
            return held.plus(builds=1)
        if what == "increment, full":
            self.run("increment", "builds=2", "other=1")
            return held.plus(builds=2, other=1)
        if what == "batch":
            self.run("increment", "--batch", "-", stdin="builds 2\nbuilds\n")
            return held.plus(builds=3)
        if what in ("grow", "move"):
            names = [large.NAME.format(number) for number in range(large.COUNT if what == "grow" else 200)]
            self.run("increment", "--batch", "-", stdin="\n".join(names))
            return held.plus(**dict.fromkeys(names, 1))
        if what == "stream":
            self.run("increment", "--stream", "--every", "1h", stdin="builds 2\nother\nbuilds\n")  # one commit
            return held.plus(builds=3, other=1)
        if what == "merge":
            self._at_peer("increment", "elsewhere", "7")
            self._at_peer("export", "-o", self.state)
            self.run("merge", self.state)
            return held.plus(elsewhere=7)
        if what == "export":
            self.run("export", "-o", self.root / "state.json")
            return replace(held, export=Replica(self.replica).export_bytes())
        assert what == "init"
        name = f"made-{len(held.replicas)}"
        replica = _run([*self.program, "--replica", self.root / name, "init"], self.here).strip()
        return replace(held, replicas=tuple(sorted([*held.replicas, (name, replica)])))

    def holds(self) -> Held | str:
        """Return the content, or its fault."""
        try:
            return self._holds()
        except (CrdtctlError, OSError) as error:
            return str(error)

    def _holds(self) -> Held | str:
        replicas = sorted([*self.root.glob("made-*"), *self.root.glob("replica")])
        export = self.root / "state.json"
        findings = [finding for path in replicas for finding in check_replica(str(path))]
        if export.exists():
            findings += check_input(Input(str(export), str(export)))
        for finding in findings:
            if not finding.ok:
                return f"{finding.path}: {finding.found}"
        return Held(
            # The first one may have got another id since; what it counted is what matters.
            tuple((path.name, "" if path == self.replica else Replica(path).id) for path in replicas),
            tuple((one.name, one.value) for one in Replica(self.replica).counters()) if replicas else (),
            export.read_bytes() if export.exists() else b"",
        )

    def left_over(self) -> list[str]:
        """Return the names of the files that a write has left behind."""
        return [path.name for path in self.root.rglob("*.new")]


def _run(command: Sequence[str | Path], environment: dict[str, str], stdin: str = "") -> str:
    done = subprocess.run(command, input=stdin.encode(), capture_output=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def judge(found: Held | str, right: Sequence[Held], past: Sequence[Held]) -> str:
    """Return an empty text if the found content is `right`. An earlier content means that a count was lost."""
    if found in right:
        return ""
    return LOST if found in past else CORRUPT
