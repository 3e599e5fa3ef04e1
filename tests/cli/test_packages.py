"""The installed script starts Python without a search for packages; the search is made when a package is missing."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import crdtctl
from crdtctl import Replica
from tests.conftest import Shell

#: What the script runs, after the directories of packages.
CODE = "import sys; sys.path += sys.argv.pop(1).split(':'); from crdtctl.__main__ import run; run()"
OURS = str(Path(crdtctl.__file__).parents[1])
LIBRARIES = sysconfig.get_path("purelib")


def imported(shell: Shell, directories: list[str], *words: str) -> set[str]:
    """Return the modules that a command imports in a Python without `site`, and check that it succeeds."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-E", "-P", "-S", "-c", CODE, ":".join(directories), *words],
        cwd=shell.directory,
        env=shell.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    assert done.stderr.count("\n") == len(lines), done.stderr
    assert done.returncode == 0
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("words", ["show builds --json", "increment a=1 b=2", "status", "show --help", "help cron"])
def test_packages_beside_the_program_are_imported_without_a_search(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds")
    found = imported(shell, [OURS, LIBRARIES], *words.split())
    assert "crdtctl.cli.packages" in found
    assert "site" not in found


@pytest.mark.parametrize("words", ["show --format toml", "show --help"])
def test_packages_elsewhere_are_searched_for(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds")
    assert "site" in imported(shell, [OURS], *words.split())


@pytest.mark.parametrize("words", ["increment builds", "dec builds 2", "show builds", "--replica .crdtctl inc builds"])
def test_the_plainest_commands_do_not_import_os(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds")
    found = imported(shell, [OURS], *words.split())
    assert "crdtctl.fastpath" in found
    assert found.isdisjoint({"os", "crdtctl.cli.main"})
