"""What an ordinary command imports decides how long it takes. It is not timed here, but listed.

The lists name the modules of the standard library and of other packages; the modules of this package may import each
other. Modules that `NEVER` names took most of the time of a command, and no command of `COMMANDS` needs one.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import crdtctl
from crdtctl import Replica
from tests.conftest import Shell

CODE = "import sys; sys.path += sys.argv.pop(1).split(':'); from crdtctl.__main__ import run; run()"
DIRECTORIES = f"{Path(crdtctl.__file__).parents[1]}:{sysconfig.get_path('purelib')}"

#: Modules that no ordinary command imports, not even by another one.
NEVER = {
    *("typer", "rich", "filelock", "tomli_w", "pydantic", "site", "importlib.resources", "click"),
    *("subprocess", "pathlib", "tempfile", "logging", "argparse", "string", "gettext", "difflib", "signal"),
}
#: Command → its words, and further modules of `NEVER` that it imports for its own work.
COMMANDS = {
    "increment --once": ("increment builds --once job-7", ()),
    "increment of several": ("increment A=2 B=1", ()),
    "increment --replica": ("increment builds=1 --replica .crdtctl", ()),
    "add": ("add visitors ada", ()),
    "show --format json": ("show builds --format json", ()),
    "show --by-replica": ("show builds --by-replica", ()),
    "show --min": ("show builds --min 1", ()),
    "show --max --default": ("show nothing --max 5 --default 0", ()),
    "show of many": ("show", ()),
    "clock": ("clock", ()),
    "create": ("create seats --type bcounter --initial 3", ()),
    "log": ("log", ()),
    "export": ("export", ()),
    "export -o": ("export -o out.json", ()),
    "merge": ("merge other.json", ()),
    "status": ("status", ("string",)),  # tomllib, which reads the settings
    "compare": ("compare other.json", ()),
    "check": ("check", ("string",)),
    "sync without news": ("sync ./shared", ("string",)),
    "help of a topic": ("help cron", ()),
    "--version": ("--version", ()),
}


def imported(shell: Shell, *words: str) -> set[str]:
    """Return the modules that the installed script imports for a command."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-X", "utf8", "-E", "-P", "-S", "-c", CODE, DIRECTORIES, *words],
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


@pytest.mark.parametrize("command", COMMANDS)
def test_an_ordinary_command_imports_none_of_the_heavy_modules(shell: Shell, counted: Replica, command: str) -> None:
    words, own = COMMANDS[command]
    assert counted.value("builds") == 3
    found = imported(shell, *words.split())
    assert "crdtctl.cli.main" in found
    assert found & (NEVER - {*own}) == set()
