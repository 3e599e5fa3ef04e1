"""A folder on another machine, over the system's ``ssh``: ``ssh://[user@]host[:port]/path``.

The path is absolute; ``ssh://host/~/path`` begins in the home directory. Only the subsystem ``sftp`` of the server is
used, and one connection serves a whole sync.

The protocol is implemented here because the output of the program ``sftp`` is ambiguous. A name with a line break looks
like several files, different names look equal, times are rounded to minutes, and the status does not show which files
failed. In the protocol, a name is bytes, and every file has its own reply.
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
from crdtctl.sync.local_files import LocalFile, LocalFiles
from crdtctl.sync.process import one_line
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import (
    MAX_OBJECT,
    STALE_SECONDS,
    ListedObject,
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
    ChannelClosedError,
    Client,
    Code,
    ProtocolError,
    Reading,
    StatusError,
)
from crdtctl.sync.transports.sftp.ssh import Destination, Ssh

#: Maximum number of bytes of a batch.
_BATCH_BYTES = BLOCK * WINDOW


class Sftp(Transport):
    """Files are written under a temporary name, fsynced and renamed over the target, as far as the server supports it.

    Names that are not printable UTF-8, and files that are not regular, are listed but cannot be read.
    """

    is_consistent = True
    parallel = WINDOW

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
        self._odd: dict[str, int] = {}  # files that are not regular: the file type from the mode

    def list(self) -> Sequence[ListedObject]:
        entries = []
        self._drafts, self._odd, self.is_absent = {}, {}, False
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
                    entries.append(ListedObject(name, attributes.size, str(attributes.modified)))
            except StatusError as error:
                if error.code != Code.NO_SUCH_FILE:
                    raise
                self._find_parent(client)
                self.is_absent = True
                return []
        return entries

    def _find_parent(self, client: Client) -> None:
        """Raise `UnavailableError` unless the folder can be made."""
        with suppress(StatusError):
            client.stat(self._path)
            raise UnavailableError(f"{self._shown} is not a folder", "use an existing folder, or a new name")
        try:
            client.stat(os.path.dirname(self._path.rstrip(b"/")) or b".")
        except StatusError as error:
            if error.code != Code.NO_SUCH_FILE:
                raise
            raise self._no_folder() from None

    def _no_folder(self) -> UnavailableError:
        return UnavailableError(
            f"the folder {self._shown} does not exist", "check that it is mounted, or make its parent folder"
        )

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        path = self._file_to_read(name)
        with self._asking(f"read {self._named(name)}") as client:
            handle = client.handle(client.open_later(path, protocol.READ))
            self._copy(client, client.reading(handle, client.stat_open(handle).size), name, write)

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        """Read files, several at once. Each has its own result, even if the connection is lost halfway."""
        with LocalFiles(directory) as files:
            yield from self._batched(entries, files)

    def _batched(
        self, entries: Sequence[ListedObject], files: LocalFiles
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        lost: CrdtctlError | None = None
        for batch in _batches(entries, self.parallel):
            results: dict[int, LocalFile | CrdtctlError] = {}
            if lost is None:
                try:
                    with self._asking(f"read from {self._shown}") as client:
                        self._fetch(client, batch, files, results)
                except CrdtctlError as error:
                    lost = error
            for number, entry in batch:
                found = results.get(number, lost)
                assert found is not None
                yield entry, found

    def _fetch(
        self,
        client: Client,
        batch: Sequence[tuple[int, ListedObject]],
        files: LocalFiles,
        results: dict[int, LocalFile | CrdtctlError],
    ) -> None:
        """Open all files of a batch, request their contents, then read them. Each step waits only once."""
        opened: list[tuple[int, ListedObject, int]] = []
        for number, entry in batch:
            with self._noting(number, entry.name, results):
                opened.append((number, entry, client.open_later(self._file_to_read(entry.name), protocol.READ)))
        asked: list[tuple[int, ListedObject, Reading]] = []
        for number, entry, request in opened:
            with self._noting(number, entry.name, results):
                asked.append((number, entry, client.reading(client.handle(request), entry.size)))
        for number, entry, reading in asked:
            with self._noting(number, entry.name, results), files.new() as incoming:
                self._copy(client, reading, entry.name, incoming.write)
                results[number] = incoming.finish()

    @contextmanager
    def _noting(self, number: int, name: str, results: dict[int, LocalFile | CrdtctlError]) -> Iterator[None]:
        """Record the server's error about one file only."""
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
        """Return a handle to a new file, making the folder if necessary."""
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
            if error.code != Code.FAILURE:  # another client may have just made it
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
        """Yield the client, connecting if necessary; raise errors for users."""
        self._deadline.remaining()
        try:
            if self._ssh is None:
                self._ssh = Ssh(self._destination, "sftp", self._deadline, self._state)
            if self._client is None:
                self._client = Client(self._ssh)
            yield self._client
        except StatusError as error:
            raise _refused(error, doing) from None
        except ChannelClosedError:
            assert self._ssh is not None
            failure = self._ssh.failure(doing) if self._client is None else self._ssh.lost(doing)
            self.close()
            raise failure from None
        except ProtocolError as error:
            self.close()
            raise UnavailableError(
                f"cannot {doing}: {error}", "check its sftp server, and that its shell prints nothing at login"
            ) from None

    def _file(self, name: str) -> bytes:
        return self._path.rstrip(b"/") + b"/" + checked_name(name).encode()

    def _file_to_read(self, name: str) -> bytes:
        """Return the path of a file; raise `DataError` for a file that is listed but not read."""
        refuse_unprintable(name)
        if kind := self._odd.get(name):
            what = "a symbolic link, which is not followed" if stat.S_ISLNK(kind) else "not a regular file"
            raise DataError(f"{self._named(name)} is {what}")
        return self._file(name)

    def _named(self, name: str) -> str:
        return f"{self._shown.rstrip('/')}/{printable(name)}"


def _path(text: str) -> bytes:
    """Return the path in a URL. A path after ``/~/`` is relative, and servers resolve it from the home directory.

    >>> _path("/srv/counts"), _path("/~/my%20counts"), _path("/~")
    (b'/srv/counts', b'my counts', b'.')
    """
    path = unquote_to_bytes(text)
    if not path or b"\0" in path:
        raise UsageError(
            "the URL does not name a folder", "write ssh://HOST/FOLDER, or ssh://HOST/~/FOLDER in the home directory"
        )
    if path == b"/~" or path.startswith(b"/~/"):
        return path[3:].strip(b"/") or b"."
    return path


def _batches(entries: Sequence[ListedObject], largest: int) -> Iterator[list[tuple[int, ListedObject]]]:
    """Divide numbered entries into batches whose contents are requested together, of at most `largest` entries."""
    batch: list[tuple[int, ListedObject]] = []
    size = 0
    for number, entry in enumerate(entries):
        if batch and (len(batch) >= largest or size + entry.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append((number, entry))
        size += entry.size
    if batch:
        yield batch


def _refused(error: StatusError, doing: str, what: str = "folder") -> CrdtctlError:
    """Return the error for a server's status. The hint is about the owner and mode of a file or folder."""
    match error.code:
        case Code.NO_SUCH_FILE:
            return MissingError(f"cannot {doing}: it does not exist")
        case Code.PERMISSION_DENIED:
            return AccessError(f"cannot {doing}: permission denied", f"check the owner and mode of the {what} there")
        case Code.UNSUPPORTED:
            return UnavailableError(f"cannot {doing}: its sftp server does not support that")
        case _:  # usually 4, the code for all other failures
            reply = f"the server answers '{one_line(str(error)) or error.code}'"
            hint = (
                "check that it is an ordinary file"
                if what == "file"
                else "check the free space, and that it is an ordinary folder"
            )
            return StorageError(f"cannot {doing}: {reply}", hint)
