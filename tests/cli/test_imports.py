"""What an ordinary command imports decides how long it takes. It is not timed here, but listed.

The lists name modules of the standard library and of other packages. The modules of this package may import each other.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import crdtctl
from crdtctl import Replica
from tests.conftest import Shell
from tests.support import crowd

CODE = "import sys; sys.path += sys.argv.pop(1).split(':'); from crdtctl.__main__ import run; run()"
DIRECTORIES = f"{Path(crdtctl.__file__).parents[1]}:{sysconfig.get_path('purelib')}"

#: What a small command imports beyond what Python imports to start.
SMALL = {
    *("__future__", "_collections", "_json", "_stat", "errno", "fcntl", "gc", "itertools", "stat", "time", "zlib"),
}
#: Modules that no ordinary command imports, not even by another one.
NEVER = {
    *("typer", "rich", "filelock", "tomli_w", "pydantic", "site", "importlib.resources", "click"),
    *("subprocess", "pathlib", "tempfile", "logging", "argparse", "gettext", "difflib", "signal"),
}
#: Words of the small commands.
SMALLEST = [
    *(
        "increment fresh --once job-7",
        "observe bytes 7 --source eth0",
        "increment A=2 B=1",
        "increment builds=1 fresh=2 --replica .crdtctl",
        "add visitors ada",
    ),
    *(
        "decrement builds 2 --type pncounter",
        "show builds --by-replica --format tsv",
        "show builds --min 1 --header",
        "show builds --by os",
        "show [b]uilds --series",
    ),
    *("show builds --header", "clock --format tsv", "create seats --type bcounter --initial 3", "reset builds"),
]
#: Modules that few commands import: what they have is written in a lighter way, or imported where it is needed.
HEAVY = {
    *("collections", "dataclasses", "datetime", "enum", "functools", "importlib", "inspect", "json", "msgspec", "re"),
    *("os", "heapq"),
    *("shutil", "typing", "contextlib", "copy"),
}
#: Words of the other commands, which handle files, or format much → the heavy modules that they import.
OTHERS: dict[str, frozenset[str] | set[str]] = {
    **dict.fromkeys(
        ["show builds --format ndjson --series", "show nothing --max 5 --default 0", "log", "export"], frozenset[str]()
    ),
    **dict.fromkeys(
        ["export -o out.json", "merge other.json", "status", "show --type pncounter", "check", "--version"],
        frozenset[str](),
    ),
    "compare other.json": {"enum", "functools", "collections"},
    "help jobs": {"os", "re", "enum", "functools", "collections"},
    "sync ./shared": frozenset(),
}


#: What is imported for writes, and for replicas with retired ones or with attempts of jobs: most have neither.
WRITING = {"crdtctl.store.replica", "crdtctl.store.transaction", "crdtctl.store.requests", "crdtctl.store.batch"}
RARE = {"crdtctl.crdt.membership", "crdtctl.crdt.attempts", "crdtctl.store.retirement", "crdtctl.store.jobs"}
#: What is imported for the readings of meters: most counters have none.
METERS = {"crdtctl.crdt.readings", "crdtctl.crdt.dated_readings"}


def imported(shell: Shell, *words: str, code: str = CODE) -> set[str]:
    """Return the modules that the installed script imports for a command, or another program, and by Python's start."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-X", "utf8", "-E", "-P", "-S", "-c", code, DIRECTORIES, *words],
        cwd=shell.directory,
        env=shell.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.fixture
def counted(shell: Shell, replica: Replica) -> Replica:
    """Return a replica with counters, beside another state to merge, and a folder without news."""
    replica.increment("builds", 3)
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds")
    other.export_to(shell.directory / "other.json")
    (shell.directory / "shared").mkdir()
    shell.ok("sync", "./shared")
    return replica


@pytest.mark.parametrize("words", SMALLEST)
def test_a_small_command_imports_a_short_list_of_modules(shell: Shell, counted: Replica, words: str) -> None:
    assert counted.value("builds") == 3
    found = imported(shell, *words.split())
    assert "crdtctl.cli.main" in found
    others = {module for module in found if module.partition(".")[0] != "crdtctl"}
    assert others - imported(shell, code="pass") - SMALL == set()


def test_a_first_sync_of_many_small_objects_imports_no_heavy_module(shell: Shell, replica: Replica) -> None:
    crowd.meeting(shell.directory / "many", 30, 100)
    found = imported(shell, "sync", "./many")
    assert "crdtctl.codec.block_join" in found
    assert found & (NEVER | HEAVY) == set()
    assert replica.value(crowd.counter(0)) == sum(crowd.amount(one, 0) for one in range(30))


def test_status_of_a_replica_without_remotes_and_bounded_counters_imports_nothing_for_them(
    shell: Shell, replica: Replica
) -> None:
    replica.increment("builds")
    found = imported(shell, "status")
    assert "crdtctl.sync.health" in found
    assert (
        found & {"crdtctl.sync.plan", "crdtctl.sync.schemes", "crdtctl.crdt.bcounter", "crdtctl.store.commit"} == set()
    )


@pytest.mark.parametrize("words", OTHERS)
def test_no_ordinary_command_imports_a_heavy_module(shell: Shell, counted: Replica, words: str) -> None:
    assert counted.value("builds") == 3
    found = imported(shell, *words.split())
    assert "crdtctl.cli.main" in found
    assert found & (NEVER | HEAVY) <= OTHERS[words]


@pytest.mark.parametrize(
    "words",
    [
        *("show builds --by-replica --format tsv", "show builds --format ndjson --series"),
        *("clock --format tsv", "show --type pncounter"),
    ],
)
def test_a_command_that_reads_imports_nothing_for_writes(shell: Shell, counted: Replica, words: str) -> None:
    assert counted.value("builds") == 3
    found = imported(shell, *words.split())
    assert "crdtctl.store.reader" in found
    assert found & (WRITING | RARE) == set()


@pytest.mark.parametrize(
    "words", ["increment A=2 B=1", "increment fresh --once job-7", "add visitors ada", "observe bytes 7 --source eth0"]
)
def test_a_command_that_counts_imports_nothing_for_retired_replicas(shell: Shell, counted: Replica, words: str) -> None:
    assert counted.value("builds") == 3
    found = imported(shell, *words.split())
    assert "crdtctl.store.committer" in found
    assert found & (RARE | {"crdtctl.store.replica", "crdtctl.store.batch", "crdtctl.store.lifecycle"}) == set()


@pytest.mark.parametrize(
    "words",
    ["show builds --format json", "show builds --by-replica", "show builds", "reset builds"],
)
def test_a_command_on_a_counter_without_readings_imports_nothing_for_meters(
    shell: Shell, counted: Replica, words: str
) -> None:
    counted.reset("builds")  # so that the fast path declines it
    found = imported(shell, *words.split())
    assert "crdtctl.crdt.additive" in found
    assert found & METERS == set()
