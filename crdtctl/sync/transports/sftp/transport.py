"""A folder at another machine, reached by the system's ``ssh``: ``ssh://[user@]host[:port]/path``.

The path is absolute; ``ssh://host/~/path`` begins in the home directory. Of what ssh connects to, only its subsystem
``sftp`` is asked for. All that a sync does there goes over one connection.

Why the protocol is spoken here, and not the program ``sftp`` run: what that lists cannot be taken apart. A name with a
line break looks like several files, other names look like each other, a time is told to the minute, and of files that
cannot be fetched no status tells. Here a name is bytes, and every file has an answer of its own.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from urllib.parse import unquote_to_bytes

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    MissingError,
    StorageError,
    UnavailableError,
    UsageError,
    printable,
)
from crdtctl.sync.process import one_line
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import (
    MAX_OBJECT,
    STALE_SECONDS,
    Entry,
    Transport,
    checked_name,
    is_draft,
    new_draft,
    refuse_unprintable,
)
from crdtctl.sync.transports.sftp import protocol
from crdtctl.sync.transports.sftp.protocol import (
    BLOCK,
    WINDOW,
    Client,
    Code,
    EndedError,
    ProtocolError,
    Reading,
    StatusError,
)
from crdtctl.sync.transports.sftp.ssh import Destination, Ssh

#: So many bytes of files are asked for at once.
_AHEAD = BLOCK * WINDOW


class Sftp(Transport):
    """Files are put under a temporary name, fsynced and renamed over the target, as far as the server can.

    Names that are not UTF-8, or not printable, and what is no regular file are listed, and cannot be read.
    """

    is_consistent = True

    def __init__(self, place: Endpoint) -> None:
        where, slash, path = place.address.partition("://")[2].partition("/")
        self._destination = Destination.parse(where)
        self._path = _path(slash + path)
        self._deadline = place.deadline
        self._state = place.state
        self._shown = printable(place.url)
        self._ssh: Ssh | None = None
        self._client: Client | None = None
        self._drafts: dict[str, int] = {}
        self._odd: dict[str, int] = {}  # what is listed and is no regular file: its kind, as in a mode

    def list(self) -> Sequence[Entry]:
        entries = []
        self._drafts, self._odd = {}, {}
        with self._asking(f"list {self._shown}") as client:
            try:
                for raw, attributes in client.list(self._path):
                    name, kind = os.fsdecode(raw), stat.S_IFMT(attributes.mode)
                    if stat.S_ISDIR(kind) or name in (".", ".."):
                        continue
                    if kind and not stat.S_ISREG(kind):
                        self._odd[name] = kind
                    if is_draft(name):
                        self._drafts[name] = attributes.modified
                    entries.append(Entry(name, attributes.size, str(attributes.modified)))
            except StatusError as error:
                if error.code != Code.NO_SUCH_FILE:
                    raise
                self._find_parent(client)
                return []
        return entries

    def _find_parent(self, client: Client) -> None:
        """Raise `UnavailableError` unless the folder can be made."""
        with suppress(StatusError):
            client.stat(self._path)
            raise UnavailableError(f"{self._shown} is not a folder", "name one that is, or is to be made")
        try:
            client.stat(os.path.dirname(self._path.rstrip(b"/")) or b".")
        except StatusError as error:
            if error.code != Code.NO_SUCH_FILE:
                raise
            raise self._no_folder() from None

    def _no_folder(self) -> UnavailableError:
        return UnavailableError(f"there is no folder {self._shown}", "is it mounted there? make the folder it is in")

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        path = self._file_to_read(name)
        with self._asking(f"read {self._named(name)}") as client:
            handle = client.handle(client.open_later(path, protocol.READ))
            self._copy(client, client.reading(handle, client.stat_open(handle).size), name, write)

    def fetch(self, entries: Sequence[Entry], directory: str) -> Iterator[tuple[Entry, str | CrdtctlError]]:
        """Read files, several at once; each has a result of its own, also when the connection is lost amid them."""
        lost: CrdtctlError | None = None
        for batch in _batches(entries):
            results: dict[int, str | CrdtctlError] = {}
            if lost is None:
                try:
                    with self._asking(f"read from {self._shown}") as client:
                        self._fetch(client, batch, directory, results)
                except CrdtctlError as error:
                    lost = error
            for number, entry in batch:
                found = results.get(number, lost)
                assert found is not None
                yield entry, found

    def _fetch(
        self, client: Client, batch: Sequence[tuple[int, Entry]], directory: str, results: dict[int, str | CrdtctlError]
    ) -> None:
        """Open all files of a batch, ask for all they hold, then take it; so each step waits once, not once a file."""
        opened: list[tuple[int, Entry, int]] = []
        for number, entry in batch:
            with self._noting(number, entry.name, results):
                opened.append((number, entry, client.open_later(self._file_to_read(entry.name), protocol.READ)))
        asked: list[tuple[int, Entry, Reading]] = []
        for number, entry, request in opened:
            with self._noting(number, entry.name, results):
                asked.append((number, entry, client.reading(client.handle(request), entry.size)))
        for number, entry, reading in asked:
            path = f"{directory}/{number}"
            with self._noting(number, entry.name, results), open(path, "wb") as file:
                self._copy(client, reading, entry.name, file.write)
                results[number] = path

    @contextmanager
    def _noting(self, number: int, name: str, results: dict[int, str | CrdtctlError]) -> Iterator[None]:
        """Note what the server says of one file, and of no other."""
        try:
            yield
        except StatusError as error:
            results[number] = _refused(error, f"read {self._named(name)}", "file")
        except (MissingError, DataError) as error:
            results[number] = error

    def _copy(self, client: Client, reading: Reading, name: str, write: Callable[[bytes], object]) -> None:
        try:
            size = reading.copy(write, MAX_OBJECT)
        except StatusError:
            client.close_handle(reading.handle)
            raise
        client.close_handle(reading.handle)
        if size > MAX_OBJECT:
            raise DataError(f"{self._named(name)} is larger than {MAX_OBJECT // 2**20} MiB")

    def put(self, name: str, path: str) -> None:
        target, draft = self._file(name), self._file(new_draft())
        with self._asking(f"write {self._named(name)}") as client, open(path, "rb") as source:
            handle = self._create(client, draft)
            try:
                client.write(handle, iter(partial(source.read, BLOCK), b""))
                now = client.stat_open(handle).modified if self._drafts else 0
                client.done(client.close_later(handle))
                client.rename(draft, target)
            except (StatusError, OSError):
                with suppress(StatusError):
                    client.remove(draft)
                raise
            for old, modified in self._drafts.items():
                if now - modified > STALE_SECONDS:
                    with suppress(StatusError):
                        client.remove(self._file(old))

    def _create(self, client: Client, draft: bytes) -> bytes:
        """Return a handle to a file that is new, in a folder that is made if need be."""
        flags = protocol.WRITE | protocol.CREATE | protocol.EXCLUSIVE
        try:
            return client.handle(client.open_later(draft, flags))
        except StatusError as error:
            if error.code != Code.NO_SUCH_FILE:
                raise
        try:
            client.make_directory(self._path)
        except StatusError as error:
            if error.code == Code.NO_SUCH_FILE:
                raise self._no_folder() from None
            if error.code != Code.FAILURE:  # or somebody else has just made it
                raise
        try:
            return client.handle(client.open_later(draft, flags))
        except StatusError as error:
            if error.code == Code.NO_SUCH_FILE:
                raise self._no_folder() from None
            raise

    def delete(self, name: str) -> None:
        path = self._file(name)
        with self._asking(f"delete {self._named(name)}") as client:
            try:
                client.remove(path)
            except StatusError as error:
                if error.code != Code.NO_SUCH_FILE:
                    raise

    def close(self) -> None:
        ssh, self._ssh, self._client = self._ssh, None, None
        if ssh is not None:
            ssh.close()

    @contextmanager
    def _asking(self, doing: str) -> Iterator[Client]:
        """Yield who to ask, over a connection that is made if there is none; tell what fails as users are told it."""
        self._deadline.remaining()
        try:
            if self._ssh is None:
                self._ssh = Ssh(self._destination, "sftp", self._deadline, self._state)
            if self._client is None:
                self._client = Client(self._ssh)
            yield self._client
        except StatusError as error:
            raise _refused(error, doing) from None
        except EndedError:
            assert self._ssh is not None
            failure = self._ssh.failure(doing) if self._client is None else self._ssh.lost(doing)
            self.close()
            raise failure from None
        except ProtocolError as error:
            self.close()
            raise UnavailableError(
                f"cannot {doing}: {error}", "its sftp server, or a shell that prints something at login, is at fault"
            ) from None

    def _file(self, name: str) -> bytes:
        return self._path.rstrip(b"/") + b"/" + checked_name(name).encode()

    def _file_to_read(self, name: str) -> bytes:
        """Return the path of a file; raise `DataError` for one that is not read, though it is there."""
        refuse_unprintable(name)
        if kind := self._odd.get(name):
            what = "a link, which is not followed" if stat.S_ISLNK(kind) else "not a regular file"
            raise DataError(f"{self._named(name)} is {what}")
        return self._file(name)

    def _named(self, name: str) -> str:
        return f"{self._shown.rstrip('/')}/{printable(name)}"


def _path(text: str) -> bytes:
    """Return the path that a URL means: from ``/~/`` on it begins at home, which is where servers let one begin.

    >>> _path("/srv/counts"), _path("/~/my%20counts"), _path("/~")
    (b'/srv/counts', b'my counts', b'.')
    """
    path = unquote_to_bytes(text)
    if not path or b"\0" in path:
        raise UsageError("the URL names no folder", "give it ssh://host/folder, or ssh://host/~/folder for one at home")
    if path == b"/~" or path.startswith(b"/~/"):
        return path[3:].strip(b"/") or b"."
    return path


def _batches(entries: Sequence[Entry]) -> Iterator[list[tuple[int, Entry]]]:
    """Divide entries, numbered, into batches of which all is asked for at once."""
    batch: list[tuple[int, Entry]] = []
    size = 0
    for number, entry in enumerate(entries):
        if batch and (len(batch) == WINDOW or size + entry.size > _AHEAD):
            yield batch
            batch, size = [], 0
        batch.append((number, entry))
        size += entry.size
    if batch:
        yield batch


def _refused(error: StatusError, doing: str, what: str = "folder") -> CrdtctlError:
    """Return what the server's answer means to users; `what` has the owner and mode that it may be for."""
    match error.code:
        case Code.NO_SUCH_FILE:
            return MissingError(f"cannot {doing}: it is not there")
        case Code.PERMISSION_DENIED:
            return AccessError(f"cannot {doing}: permission denied", f"check the owner and mode of the {what} there")
        case Code.UNSUPPORTED:
            return UnavailableError(f"cannot {doing}: its sftp server does not do that")
        case _:  # most often 4, for whatever has no number of its own
            said = f"the server says '{one_line(str(error)) or error.code}'"
            hint = "is it an ordinary file?" if what == "file" else "is there space, and is it an ordinary folder?"
            return StorageError(f"cannot {doing}: {said}", hint)
