"""Running what is in ``examples/`` as its users would: by the system's shell, with ``crdtctl`` on the path."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.conftest import PROGRAM, Result, Shell

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Machine:
    """A machine of its own: a home directory, a working directory, and an environment."""

    shell: Shell

    @classmethod
    def make(cls, place: Path, environment: Mapping[str, str]) -> "Machine":
        """Make a machine below `place`."""
        home = place / "home"
        home.mkdir(parents=True)
        (home / "bin").mkdir()
        (home / "bin" / "crdtctl").symlink_to(PROGRAM[0])
        path = f"{home}/bin{os.pathsep}{os.environ['PATH']}"
        own = {"HOME": str(home), "XDG_STATE_HOME": str(home / "state"), "PATH": path}
        return cls(Shell(home, {**environment, **own}))

    @property
    def home(self) -> Path:
        """Its home directory."""
        return self.shell.directory

    def with_environment(self, **variables: str) -> "Machine":
        """Return the same machine, where these variables are set."""
        return Machine(replace(self.shell, environment={**self.shell.environment, **variables}))

    def run(self, command: str | Sequence[str | Path], directory: Path | None = None) -> Result:
        """Run a program, or a line of shell, with no standard input."""
        done = subprocess.run(
            ["sh", "-c", command] if isinstance(command, str) else [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=directory or self.home,
            env=self.shell.environment,
            timeout=100,
            check=False,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    def ok(self, command: str | Sequence[str | Path], directory: Path | None = None) -> str:
        """Run, expect status 0 and a silent stderr, and return stdout."""
        ended = self.run(command, directory)
        assert (ended.status, ended.stderr) == (0, ""), ended
        return ended.stdout
