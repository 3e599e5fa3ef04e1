"""Any program as a transport: the user's own script or command reads and writes the files of a remote.

The URL is ``exec:COMMAND``. COMMAND is split into words as a shell splits them (`shlex`) and run without a shell. It is
found along PATH if it has no slash, and runs in the directory where crdtctl was started. Every listing of remotes shows
it, so it contains no credentials; they belong into the configuration of the program. These words are added to it:

==================  ====================================================================================================
``list``            Print a line for each file: ``SIZE VERSION NAME``, with a space or a tab after the first two.
                    SIZE is in bytes. VERSION is a word that changes with the file: an etag, a hash, or its time and
                    inode (``find -printf '%s %T@.%i %f\\n'``); ``-`` without one. NAME is the rest of the line,
                    in UTF-8. Leave out the files in subfolders, and names that do not fit on a line. If the place does
                    not exist yet, print an empty list. A carriage return at the end of a line and a byte order mark are
                    ignored; any other line ends the sync with this remote, with status 69.
``get NAME``        Write the file to standard output.
``put NAME SIZE``   Read SIZE bytes from standard input, and write them to the file, replacing a former one. Make the
                    place if it does not exist. Other programs must never see half a file: write it under a name that
                    begins with a dot, check that it has SIZE bytes, and rename it.
``delete NAME``     Delete the file. It is not an error if it does not exist.
==================  ====================================================================================================

NAME is one word with any characters except a slash. Other people name files as well: a program
that passes NAME to another shell, as ssh does, must quote it.

The exit status is 0 for success, 66 if the file does not exist, 75 for a transient error, and 65, 74 and 77 as in
crdtctl itself. Any other status is a permanent failure. The last lines of standard error are shown to the user. Several
``get`` may run at the same time. An operation that takes too long is killed, together with all processes that it
started. It has no terminal, so it cannot ask anything.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Final

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    from_os,
    printable,
)
from crdtctl.store.temporary import temporary_file
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.process import ProgramResult, ProgramRunner, as_utf8, one_line
from crdtctl.sync.schemes import Endpoint, words
from crdtctl.sync.transport import ListedObject, Transport, checked_name, refuse_unprintable

_READ_SIZE = 2**18
_LINE = re.compile(r"(\d{1,19})[ \t](\S+)[ \t](.+)")
_FAILURES: Final[dict[int, type[CrdtctlError]]] = {
    kind.status: kind for kind in (DataError, MissingError, StorageError, TransientError, AccessError)
}


class ExecProgram(Transport):
    """A transport that starts a process for each operation. Output is used only if the process succeeds."""

    parallel = 4

    def __init__(self, place: Endpoint) -> None:
        self._command = words(place.address)
        self._deadline = place.deadline
        self._state = place.state
        self._runner = ProgramRunner(place.deadline, place.state)

    def list(self) -> Sequence[ListedObject]:
        self.is_absent = False
        with suppress(MissingError):
            lines = as_utf8(self._run("list").output).split(b"\n")
            return [self._entry(line) for line in map(_without_return, lines) if line]
        self.is_absent = True
        return []

    def _entry(self, line: bytes) -> ListedObject:
        with suppress(UnicodeDecodeError):
            if (found := _LINE.fullmatch(line.decode())) and "/" not in found[3] and found[3] not in (".", ".."):
                return ListedObject(found[3], int(found[1]), found[2])
        shown = one_line(line.decode("utf-8", "replace"))
        hint = "it must print SIZE VERSION NAME on each line, and NAME must not contain a slash"
        raise UnavailableError(f"{self._shown('list')} printed '{shown}'", hint)

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        """Read files, and check their sizes, since many programs report success after an incomplete copy."""
        for entry, found in super().fetch(entries, directory):
            if isinstance(found, LocalFile) and found.size != entry.size:
                wrong = f"{found.size} bytes instead of the {entry.size} from 'list'"
                message = f"{self._shown('get', entry.name)} printed {wrong}"
                if found.size == entry.size + _returns(found):
                    hint = "it changes line endings; it must copy all bytes unchanged (binary mode)"
                    yield entry, UnavailableError(message, hint)
                    continue
                yield entry, TransientError(message, "try again")
            else:
                yield entry, found

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        refuse_unprintable(name)
        with temporary_file(self._state) as taken:
            self._run("get", checked_name(name), stdout=taken)
            taken.seek(0)
            while block := taken.read(_READ_SIZE):
                write(block)

    def cancel(self) -> None:
        self._deadline.end()

    def put(self, name: str, path: str) -> None:
        try:
            file = open(path, "rb")  # noqa: SIM115  # later errors do not concern this file
        except OSError as error:
            raise from_os(error, f"read {printable(path)}") from None
        with file:
            self._run("put", checked_name(name), str(os.fstat(file.fileno()).st_size), stdin=file)

    def delete(self, name: str) -> None:
        with suppress(MissingError):
            self._run("delete", checked_name(name))

    def _run(self, *operation: str, stdin: IO[bytes] | bytes = b"", stdout: IO[bytes] | None = None) -> ProgramResult:
        done = self._runner.run([*self._command, *operation], stdin=stdin, stdout=stdout)
        if done.status:
            failure = _FAILURES.get(done.status, UnavailableError)
            hint = "try again" if failure is TransientError else "run this command by hand to see the reason"
            raise failure(f"{self._shown(*operation[:2])} failed: {done.last_lines}", hint)
        return done

    def _shown(self, *operation: str) -> str:
        return f"'{printable(' '.join((os.path.basename(self._command[0]), *operation)))}'"


def _without_return(line: bytes) -> bytes:
    """Return a line without the carriage return that programs of Windows add; empty if the line is blank."""
    return line.removesuffix(b"\r") if line.strip() else b""


def _returns(content: LocalFile) -> int:
    """Return the number of lines that end with a carriage return."""
    return content.read().count(b"\r\n")
