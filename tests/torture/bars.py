"""Other programs in the same power cut: programs that are trusted with commits, in their default settings."""

import subprocess
import sys
from abc import ABC, abstractmethod
from pathlib import Path

_INSERT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("create table if not exists kept (number integer)")
connection.execute("insert into kept values (?)", [int(sys.argv[2])])
connection.commit()
connection.close()
"""
_LAST = """
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("select max(number) from kept").fetchone()[0])
"""


class Bar(ABC):
    """A program that acknowledges commits."""

    name: str

    @abstractmethod
    def commit(self, where: Path, number: int) -> None:
        """Commit a number in a directory; return when that is acknowledged."""

    @abstractmethod
    def has(self, where: Path, number: int) -> bool:
        """Return whether that commit is there, and readable."""


class Git(Bar):
    """``git commit``"""

    name = "git commit"

    def _git(self, where: Path, *words: str) -> subprocess.CompletedProcess[str]:
        who = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost", "-c", "safe.directory=*"]
        return subprocess.run(["git", "-C", str(where), *who, *words], capture_output=True, text=True, check=False)

    def commit(self, where: Path, number: int) -> None:
        if not (where / ".git").exists():
            self._git(where, "init", "--quiet").check_returncode()
        (where / "number").write_text(f"{number}\n")
        self._git(where, "add", "number").check_returncode()
        self._git(where, "commit", "--quiet", "--message", f"number {number}").check_returncode()

    def has(self, where: Path, number: int) -> bool:
        return self._git(where, "show", "HEAD:number").stdout == f"{number}\n"


class Sqlite(Bar):
    """Python's sqlite3 module"""

    name = "sqlite3"

    def commit(self, where: Path, number: int) -> None:
        subprocess.run([sys.executable, "-c", _INSERT, where / "numbers.db", str(number)], check=True)

    def has(self, where: Path, number: int) -> bool:
        command = [sys.executable, "-c", _LAST, str(where / "numbers.db")]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout == f"{number}\n"


BARS: tuple[Bar, ...] = (Git(), Sqlite())
