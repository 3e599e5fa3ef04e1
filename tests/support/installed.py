"""Copies of the program with the script that is installed, without an installer."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

import crdtctl
from tests.conftest import Result, Shell

PACKAGE = Path(crdtctl.__file__).parent
#: The other packages are not installed again: it takes a line of a path file.
LIBRARIES = sysconfig.get_path("purelib")


def install_into_environment(place: Path) -> Path:
    """Install into a new virtual environment, and return the script."""
    venv.create(place, symlinks=True, with_pip=False)
    return install_below_prefix(place)


def install_below_prefix(place: Path) -> Path:
    """Install as ``pip install --user`` does, without a Python beside the script, and return the script."""
    package = package_below(place)
    package.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(PACKAGE, package)  # compiled as it is here, which is most of the time
    (package.parent / "others.pth").write_text(f"{LIBRARIES}\n")
    script = place / "bin" / "crdtctl"
    script.parent.mkdir(exist_ok=True)
    shutil.copy(PACKAGE / "bin" / "crdtctl", script)
    return script


def package_below(place: Path) -> Path:
    """Return the directory of the package in an environment or below a prefix."""
    return place / "lib" / f"python3.{sys.version_info.minor}" / "site-packages" / "crdtctl"


def run_words(shell: Shell, words: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Result:
    """Run words as a process in the directory of a shell."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=shell.directory,
        env={**shell.environment, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
