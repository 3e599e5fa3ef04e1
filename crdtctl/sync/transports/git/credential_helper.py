"""Detection of a credential program that gives no answer while git waits for it.

Such a program may have opened a window that the user does not see. Git's trace shows that git waits for it.
"""

import os
import time
from contextlib import suppress
from typing import Final

import msgspec

from crdtctl.errors import AccessError, CrdtctlError, printable

#: The variable for the path of the trace, from git 2.22 on.
TRACE: Final = "GIT_TRACE2_EVENT"
#: Seconds without an answer after which a program is assumed to wait for a person.
PATIENCE = 10.0
_DOES = (" get", " store", " erase")
_ASKS = ("Username for ", "Password for ")


class _Event(msgspec.Struct):
    event: str = ""
    sid: str = ""
    child_id: int = -1
    argv: list[str] = []


class Helper:
    """The trace of one run of git, in a file that is empty at first and deleted in the end."""

    def __init__(self, trace: str, shown: str) -> None:
        self.trace = trace
        self._shown = shown
        self._since: dict[tuple[str, int], float] = {}
        os.close(os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))

    def stuck(self, *, is_over: bool) -> CrdtctlError | None:
        """Return the error for a program without an answer; when time `is_over`, for any that is running."""
        running = self._running()
        now = time.monotonic()
        self._since = {one: self._since.get(one, now) for one in running}
        for one, command in running.items():
            waited = now - self._since[one]
            if is_over or waited >= PATIENCE:
                return AccessError(
                    f"{self._shown} asks for a user and a password, and {_called(command)} gives no answer",
                    "it may have opened a window; log in with git by hand once, or use another credential.helper",
                )
        return None

    def close(self) -> None:
        """Delete the trace."""
        with suppress(OSError):
            os.unlink(self.trace)

    def _running(self) -> dict[tuple[str, int], list[str]]:
        """Return the credential programs that git has started and that have not ended."""
        found: dict[tuple[str, int], list[str]] = {}
        with suppress(OSError), open(self.trace, "rb") as file:
            for line in file:
                with suppress(msgspec.MsgspecError):  # the last line may be incomplete
                    event = msgspec.json.decode(line, type=_Event)
                    if event.event == "child_start" and _asks(event.argv):
                        found[event.sid, event.child_id] = event.argv
                    elif event.event == "child_exit":
                        found.pop((event.sid, event.child_id), None)
        return found


def _asks(command: list[str]) -> bool:
    """Return whether a command is a credential helper, or a program as in GIT_ASKPASS."""
    match command:
        case [helper]:
            return helper.endswith(_DOES)
        case [_, question]:
            return question.startswith(_ASKS)
        case _:
            return False


def _called(command: list[str]) -> str:
    """Return a description of a program without its arguments, which may contain a secret.

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
