"""Results beside their programs: the part of a README that a program writes, and the origin of its figures."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

BEGIN: Final = "<!-- results: written by the program, not by hand -->"
END: Final = "<!-- end of results -->"


def write(page: Path, results: str) -> None:
    """Replace the text between `BEGIN` and `END` in a page. Raise `ValueError` if the page lacks one of them."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page} has no part between '{BEGIN}' and '{END}'")
    page.write_text(f"{before}{BEGIN}\n\n{results.strip()}\n\n{END}{after}", encoding="utf-8")


def read(page: Path) -> str:
    """Return the text between `BEGIN` and `END` in a page."""
    return page.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


def origin() -> str:
    """Return the date, the commit and the machine of figures that are measured now, as half a sentence."""
    words = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
        commit = f"commit {done.stdout.strip()}"
    except (OSError, subprocess.CalledProcessError):
        commit = "outside a git checkout"
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}"
    return f"{datetime.now(UTC):%Y-%m-%d}, {commit}, Python {platform.python_version()}, {machine}"
