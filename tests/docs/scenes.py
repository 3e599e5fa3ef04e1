"""Pages whose console blocks are run: each line after ``$ `` is a command, the lines below it are its output."""

import os
import re
import subprocess
from pathlib import Path

from tests.conftest import PROGRAM, Shell


def blocks(text: str, kind: str) -> list[str]:
    """Return the fenced blocks of a kind in a page."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def scene(text: str) -> list[tuple[str, str]]:
    """Return the commands of all console blocks of a page, in order, each with the output that the page shows."""
    steps = []
    for block in blocks(text, "console"):
        begins, *rest = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert begins == "", f"a console block begins with '$ ': {begins!r}"
        for step in rest:
            command, _, printed = step.partition("\n")
            steps.append((command, printed))
    return steps


def play(shell: Shell, text: str) -> int:
    """Run the scene of a page, and assert that each command prints what the page shows. Return the number of commands.

    "…" in a page is the 32 digits of an id.
    """
    path = f"{Path(PROGRAM[0]).parent}{os.pathsep}{os.environ['PATH']}"
    steps = scene(text)
    for command, printed in steps:
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=shell.directory,
            env={**shell.environment, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        pattern = re.escape(printed).replace("…", "[0-9a-f]{32}")
        assert re.fullmatch(pattern, done.stdout), f"$ {command}\n{done.stdout}"
    return len(steps)
