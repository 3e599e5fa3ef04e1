"""Any program as a transport: the user's own script or command reads and writes the files of a remote.

The URL is ``exec:COMMAND``. COMMAND is split into words as a shell splits them (`shlex`) and run without a shell, found
along PATH if it has no slash, in the directory where crdtctl was started. It is in each listing of remotes, so it holds
no credentials: they belong where the program itself keeps them. It gets these words after its own:

==================  ====================================================================================================
``list``            Print a line for each file: ``SIZE VERSION NAME``, with a space or a tab after the first two.
                    SIZE is in bytes. VERSION is a word that changes when the file does: an etag, a hash, or its time
                    and inode (``find -printf '%s %T@.%i %f\\n'``); ``-`` if there is none. NAME is the rest of the
                    line, in UTF-8. What is in folders is left out, and so is a name that does not fit on a line. A
                    place that is not there yet holds nothing: print nothing. A carriage return at the end of a line
                    and a byte order mark are ignored; any other line ends the sync with this remote, with status 69.
``get NAME``        Write the file to standard output.
``put NAME SIZE``   Read SIZE bytes from standard input, and write them to the file; what was there is replaced. Make
                    the place if it is not there. Nobody may ever see half a file: write it under a name that begins
                    with a dot, see that it has SIZE bytes, and rename it.
``delete NAME``     Delete the file; one that is not there is no error.
==================  ====================================================================================================

NAME is one word, whatever characters it holds, and never has a slash. Strangers name files, too: a program that hands
NAME to another shell, as ssh does, must quote it.

It ends with status 0 if all is done; 66 if there is no such file, 75 if it may be tried again, and 65, 74 and 77 as
crdtctl itself; with anything else if it cannot be done. What it last wrote to standard error is told to the user.
Several ``get`` may run at once. One that takes too long is killed, with whatever it has started. It has no terminal, so
it cannot ask anything.
"""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import IO, ClassVar, Final

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
from crdtctl.sync.process import ProgramResult, ProgramRunner, as_utf8, one_line
from crdtctl.sync.schemes import Endpoint, words
from crdtctl.sync.transport import Entry, Transport, checked_name, refuse_unprintable

_BLOCK = 2**18
_LINE = re.compile(r"(\d{1,19})[ \t](\S+)[ \t](.+)")
_FAILURES: Final[dict[int, type[CrdtctlError]]] = {
    kind.status: kind for kind in (DataError, MissingError, StorageError, TransientError, AccessError)
}


class ExecProgram(Transport):
    """A process for each operation. What it writes is taken only if it ends well."""

    parallel: ClassVar[int] = 4

    def __init__(self, place: Endpoint) -> None:
        self._command = words(place.address)
        self._deadline = place.deadline
        self._state = place.state
        self._runner = ProgramRunner(place.deadline, place.state)

    def list(self) -> Sequence[Entry]:
        with suppress(MissingError):
            lines = as_utf8(self._run("list").output).split(b"\n")
            return [self._entry(line) for line in map(_without_return, lines) if line]
        return []

    def _entry(self, line: bytes) -> Entry:
        with suppress(UnicodeDecodeError):
            if (found := _LINE.fullmatch(line.decode())) and "/" not in found[3] and found[3] not in (".", ".."):
                return Entry(found[3], int(found[1]), found[2])
        shown = one_line(line.decode("utf-8", "replace"))
        hint = "it is to print SIZE VERSION NAME, and no NAME has a slash"
        raise UnavailableError(f"{self._shown('list')} printed '{shown}'", hint)

    def fetch(self, entries: Sequence[Entry], directory: str) -> Iterator[tuple[Entry, str | CrdtctlError]]:
        """Read files, and see that they have the size that the listing says: many a program ends well too early."""
        for entry, path in super().fetch(entries, directory):
            if isinstance(path, str) and (size := os.path.getsize(path)) != entry.size:
                said = f"{self._shown('get', entry.name)} printed {size} bytes, 'list' says {entry.size}"
                if size == entry.size + _returns(path):
                    hint = "it changes the ends of lines; it is to copy bytes as they are (binary mode)"
                    yield entry, UnavailableError(said, hint)
                    continue
                yield entry, TransientError(said, "try again")
            else:
                yield entry, path

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        refuse_unprintable(name)
        with temporary_file(self._state) as taken:
            self._run("get", checked_name(name), stdout=taken)
            taken.seek(0)
            while block := taken.read(_BLOCK):
                write(block)

    def cancel(self) -> None:
        self._deadline.end()

    def put(self, name: str, path: str) -> None:
        try:
            file = open(path, "rb")  # noqa: SIM115  # what fails later is not about this file
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
            hint = "try again" if failure is TransientError else "run it by hand to see why"
            raise failure(f"{self._shown(*operation[:2])} failed: {done.last_lines}", hint)
        return done

    def _shown(self, *operation: str) -> str:
        return f"'{printable(' '.join((os.path.basename(self._command[0]), *operation)))}'"


def _without_return(line: bytes) -> bytes:
    """Return a line without the carriage return that programs of Windows end it with; nothing if it is blank."""
    return line.removesuffix(b"\r") if line.strip() else b""


def _returns(path: str) -> int:
    """Return how many lines of a file end with a carriage return."""
    with open(path, "rb") as file:
        return sum(line.endswith(b"\r\n") for line in file)
