"""What a command imports decides how long it takes to start; this is not timed, but counted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.large import grow

#: All that a fast command imports beyond what Python itself imports to start.
FAST = {
    *("crdtctl", "crdtctl.__main__", "crdtctl.fastpath", "crdtctl.system"),
    *("crdtctl.codec", "crdtctl.codec.layout", "crdtctl.codec.plain", "crdtctl.store", "crdtctl.store.binding"),
    *("crdtctl.store.durable", "crdtctl.store.locate"),
    *("fcntl", "gc", "time", "zlib"),
}
COUNTING = {"crdtctl.fastpath.commit", "crdtctl.fastpath.counts"}
SHOWING = {"crdtctl.fastpath.showing", "crdtctl.fastpath.finding", "crdtctl.codec.plain_values"}
#: Command line → what it imports beyond these.
MORE = {
    "increment builds": COUNTING,
    "inc builds 2": COUNTING,
    "decrement builds": COUNTING,
    "increment builds=2 passed=3": COUNTING,
    "increment builds --once job-1": {*COUNTING, "crdtctl.fastpath.finding", "crdtctl.codec.plain_keys"},
    "add visitors ada": {"crdtctl.fastpath.commit", "crdtctl.fastpath.elements", "crdtctl.codec.plain_sets"},
    "show builds": SHOWING,
    "show visitors": {*SHOWING, "crdtctl.codec.plain_sets"},
    "show builds --min 1": {*SHOWING, "crdtctl.fastpath.formats"},
    "show --format json": {*SHOWING, "crdtctl.store.listing", "crdtctl.codec.alike", "crdtctl.fastpath.formats"},
    "clock": {*SHOWING, "crdtctl.fastpath.clocks"},
    "show": {*SHOWING, "crdtctl.store.listing", "crdtctl.codec.alike"},
}
START = "from crdtctl.__main__ import run; run()"


def imported(shell: Shell, code: str, *arguments: str | Path) -> set[str]:
    """Return the names of the modules that are imported by a program given as code, and by Python's start."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=shell.directory,
        env=shell.environment,
        check=True,
    )
    lines = (line for line in done.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines} - {"imported package"}


def beyond_start(shell: Shell, *arguments: str | Path) -> set[str]:
    """Return what a command imports beyond what Python itself imports to start."""
    return imported(shell, START, *arguments) - imported(shell, "pass")


@pytest.mark.parametrize("words", MORE)
def test_a_fast_command_imports_a_short_list_of_modules(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds")
    replica.increment("passed")
    if "visitors" in words:
        replica.add("visitors", ["grace"])
    found = beyond_start(shell, *words.split())
    assert "crdtctl.fastpath" in found
    assert found <= FAST | MORE[words]


@pytest.mark.parametrize("words", ["increment builds", "decrement builds", "show builds"])
def test_a_fast_command_of_a_large_replica_imports_one_module_more(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds")
    grow(replica)
    found = beyond_start(shell, *words.split())
    assert "crdtctl.store.recent" in found
    assert found <= {*FAST, *MORE[words], "crdtctl.store.recent"}


def test_the_script_that_is_installed_imports_no_more() -> None:
    script = (Path(__file__).parents[2] / "crdtctl" / "bin" / "crdtctl").read_text()
    programs = re.findall(r"-c '(.*?)'", script, re.DOTALL)
    start = START.replace("; ", "\n")
    packed = "import sys\nsys.path.append(sys.argv.pop(1))\nfrom crdtctl.pack import use\npack = use()\n"
    assert {one.replace("; ", "\n") for one in programs} == {start, packed + start.replace("run()", "run(pack)")}


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_help_imports_nothing_for_tables_locks_or_settings(shell: Shell) -> None:
    found = packages(beyond_start(shell, "--help"))
    assert "typer" in found
    assert found.isdisjoint({"rich", "filelock", "tomllib", "tomli_w", "pydantic"})


def test_merging_small_files_imports_nothing_for_tables_locks_or_settings(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds")
    other.export_to(shell.directory / "other.json")
    found = packages(beyond_start(shell, "merge", "other.json"))
    assert replica.value("builds") == 1
    assert found.isdisjoint({"rich", "filelock", "tomllib", "tomli_w", "pydantic", "tempfile", "pickle"})


@pytest.mark.parametrize("words", ["increment fresh", "show", "show builds --format json", "export", "clock"])
def test_no_command_off_a_terminal_imports_what_draws_tables_or_waits_for_locks(
    shell: Shell, replica: Replica, words: str
) -> None:
    replica.increment("builds")
    found = packages(beyond_start(shell, *words.split()))
    assert found.isdisjoint({"rich", "filelock", "tomllib", "tomli_w", "pydantic"})
