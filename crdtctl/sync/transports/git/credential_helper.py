"""Whether git waits for a program that is to give a user and a password, and gets no answer.

Such a program may have opened a window that nobody sees. Git does not say that it waits; its trace does.
"""

import os
import time
from contextlib import suppress
from typing import Final

import msgspec

from crdtctl.errors import AccessError, CrdtctlError, printable

#: The variable that names the file for the trace, from git 2.22 on.
TRACE: Final = "GIT_TRACE2_EVENT"
#: A program that gives no answer for so many seconds is taken for one that waits for a person.
_PATIENCE = 10.0
_DOES = (" get", " store", " erase")
_ASKS = ("Username for ", "Password for ")


class _Event(msgspec.Struct):
    event: str = ""
    sid: str = ""
    child_id: int = -1
    argv: list[str] = []


class Helper:
    """Looks at the trace of one run of git, in a file that is empty at first and gone in the end."""

    def __init__(self, trace: str, shown: str) -> None:
        self.trace = trace
        self._shown = shown
        self._since: dict[tuple[str, int], float] = {}
        os.close(os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))

    def stuck(self, *, is_over: bool) -> CrdtctlError | None:
        """Return the failure that names a program that gives no answer; when time `is_over`, one that runs at all."""
        running = self._running()
        now = time.monotonic()
        self._since = {one: self._since.get(one, now) for one in running}
        for one, command in running.items():
            waited = now - self._since[one]
            if is_over or waited >= _PATIENCE:
                return AccessError(
                    f"{self._shown} wants a user and a password, and {_called(command)} gives no answer",
                    "it may be asking in a window; nothing is asked here, so log in with git by hand once, "
                    "or use another credential.helper",
                )
        return None

    def close(self) -> None:
        """Delete the trace."""
        with suppress(OSError):
            os.unlink(self.trace)

    def _running(self) -> dict[tuple[str, int], list[str]]:
        """Return the programs that git has started to get a user and a password, and that have not ended."""
        found: dict[tuple[str, int], list[str]] = {}
        with suppress(OSError), open(self.trace, "rb") as file:
            for line in file:
                with suppress(msgspec.MsgspecError):  # the last one may be half there
                    said = msgspec.json.decode(line, type=_Event)
                    if said.event == "child_start" and _asks(said.argv):
                        found[said.sid, said.child_id] = said.argv
                    elif said.event == "child_exit":
                        found.pop((said.sid, said.child_id), None)
        return found


def _asks(command: list[str]) -> bool:
    """Return whether a command is that of a credential helper, or of a program as in GIT_ASKPASS."""
    match command:
        case [helper]:
            return helper.endswith(_DOES)
        case [_, question]:
            return question.startswith(_ASKS)
        case _:
            return False


def _called(command: list[str]) -> str:
    """Return what to call a program, without its arguments, which may hold a secret.

    >>> _called(["/usr/lib/git-core/git-credential-libsecret get"])
    "the credential helper 'libsecret'"

    >>> _called(["git credential-cache --timeout=9 get"]), _called(["f() { echo s3cret; }; f get"])
    ("the credential helper 'cache'", 'the credential helper')
    >>> _called(["/usr/bin/ksshaskpass", "Password for 'https://example.org': "])
    "the program 'ksshaskpass', as GIT_ASKPASS or core.askPass has it,"
    """
    if len(command) > 1:
        return f"the program '{printable(os.path.basename(command[0]))}', as GIT_ASKPASS or core.askPass has it,"
    words = command[0].removeprefix("git ").split()
    name = os.path.basename(words[0]).removeprefix("git-")
    if name.startswith("credential-"):
        return f"the credential helper '{printable(name.removeprefix('credential-'))}'"
    return "the credential helper"
