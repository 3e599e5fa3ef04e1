"""Commands that read report one moment of both files, whatever other processes write beside them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.cli.main import main

#: Another process that writes: one step for each line of its standard input, and one line of output after each.
WRITER = """
import os, shutil, sys, tempfile
from crdtctl import Replica

replica = Replica(sys.argv[1])
others = tempfile.mkdtemp(dir=sys.argv[2])
own = f"{replica.path}/own.json"
other = Replica.init(f"{others}/other", name="other")
for number, step in enumerate(sys.stdin):
    if step == "merge\\n":
        other.increment("builds")
        replica.merge_bytes(other.export_bytes())
    elif step == "seal\\n":
        sealed = Replica.init(f"{others}/{number}", name="sealed")
        sealed.increment("builds")
        replica.merge_bytes(sealed.export_bytes())
        sealed.seal()
    elif step == "absorb\\n":
        replica.absorb(sealed.export_bytes())
    else:
        if step == "rename\\n":  # a copy of the file is not the file that the replica wrote
            shutil.copy2(own, f"{own}.copy")
            os.replace(f"{own}.copy", own)
        replica.increment("builds")
    print(flush=True)
"""
STEPS = ("count", "merge", "rename", "absorb")

COMMANDS = {
    "status": ["status", "--format", "json"],
    "show all": ["show", "--format", "json"],
    "show one": ["show", "builds", "--format", "json"],
    "show by replica": ["show", "--by-replica", "--format", "table"],
    "compare": ["compare", "state.json", "--format", "json"],
    "clock": ["clock", "--format", "json"],
    "export": ["export"],
}

#: Called before a state file of a replica is opened. A hook of Python cannot be removed, so it is switched off.
_before_open: list[Callable[[], None]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _before_open and arguments[0] in ("own.json", "known.json"):
        _before_open[0]()


sys.addaudithook(_hook)


@pytest.fixture
def write(replica: Replica, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Return a function that has another process do one step."""
    replica.increment("builds", 3)
    program = [sys.executable, "-c", WRITER, replica.path, str(tmp_path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        stdin, stdout = process.stdin.fileno(), process.stdout.fileno()

        def step(name: str) -> None:
            os.write(stdin, name.encode() + b"\n")
            assert os.read(stdout, 1) == b"\n"

        step("merge")
        yield step
        process.stdin.close()
        assert process.wait(30) == 0


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_reports_the_moment_before_or_after_a_write_that_falls_between_any_two_files_it_opens(
    replica: Replica,
    write: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    command: str,
    step: str,
) -> None:
    monkeypatch.chdir(replica.path)
    Path("state.json").write_bytes(replica.export_bytes())

    def run() -> str:
        assert main(["--replica", replica.path, *COMMANDS[command]]) == 0
        return capfd.readouterr().out

    for place in count(1):
        if step == "absorb":  # what it moves from one file to the other has been there before
            write("seal")
        before = run()
        opened = 0

        def interrupt(place: int = place) -> None:
            nonlocal opened
            opened += 1
            if opened == place:
                write(step)

        _before_open.append(interrupt)
        try:
            found = run()
        finally:
            _before_open.clear()
        if opened < place:
            assert found == before
            break
        assert found in (before, run())
    assert place > 2


def test_while_another_process_counts_and_gets_new_ids_no_share_is_newer_than_the_id_that_is_shown(
    replica: Replica, write: Callable[[str], None], capfd: pytest.CaptureFixture[str]
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", LOOP, replica.path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        ids: set[str] = set()
        while len(ids) < 5:
            assert main(["--replica", replica.path, "status", "--format", "json"]) == 0
            status = json.loads(capfd.readouterr().out)
            rows = [row["replica"] for row in status["replicas"]]
            past = [one["replica"] for one in status["past"]]
            assert len(set(rows)) == len(rows)
            assert rows[: len(past) + 1] == [status["replica"], *past]
            commits = {row["replica"]: row["commits"] for row in status["replicas"]}
            assert all(commits[one] == 5 for one in past[1:])
            ids.add(status["replica"])

            assert main(["--replica", replica.path, "show", "builds", "--by-replica", "--format", "json"]) == 0
            shown = json.loads(capfd.readouterr().out)
            mine = {one["replica"]: one["value"] for one in shown["counters"][0]["replicas"]}
            full = [one for one, value in mine.items() if one.startswith("here-") and value != 5]
            assert set(full) - {min(mine)} <= {shown["replica"]}
    finally:
        assert writer.stdin is not None
        writer.stdin.close()
        assert writer.wait(30) == 0


#: Another process that counts five times under each id, until its standard input is closed.
LOOP = """
import os, select, shutil, sys
from crdtctl import Replica

replica = Replica(sys.argv[1])
own = f"{replica.path}/own.json"
while not select.select([sys.stdin], [], [], 0)[0]:
    shutil.copy2(own, f"{own}.copy")
    os.replace(f"{own}.copy", own)
    for _ in range(5):
        replica.increment("builds")
"""
