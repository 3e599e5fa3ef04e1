"""A layer over any transport that seals each object when it is put, and opens it when it is read.

The engine sees states under the names of `keys.SealedNames`, without CHECK. Files of other programs keep their names.
"""

from __future__ import annotations

import os

from crdtctl.contexts import suppress
from crdtctl.errors import CrdtctlError, DataError, from_os, printable
from crdtctl.records import NamedTuple
from crdtctl.sync.foreign_files import is_hidden, placeholder_target
from crdtctl.sync.keys import SealedNames, key_id_of
from crdtctl.sync.local_files import LocalFile, LocalFiles
from crdtctl.sync.object_name import SEALED_SUFFIX, is_sealed_name
from crdtctl.sync.sealed_object import Opener, seal, sealed_size
from crdtctl.sync.temporary_directory import make_private
from crdtctl.sync.transport import Transport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crdtctl.sync.keys import Key
    from crdtctl.sync.transport import ListedObject


class Outsiders(NamedTuple):
    """The names of files in a listing that were not put with one of the keys, and are not read.

    `plain` are files of other kinds, such as states without encryption. `foreign` are objects with other keys, by the
    id of the key. `forged` are names with an id of our keys that were not made with the key.
    """

    plain: list[str]
    foreign: dict[str, list[str]]
    forged: list[str]


class SealedTransport(Transport):
    """The objects of another transport, sealed with the first of the `keys`, and opened with any of them."""

    def __init__(self, transport: Transport, keys: Sequence[Key]) -> None:
        self._transport = transport
        self._key = keys[0]
        self._keys = {key.id: key for key in keys}
        self._names = {key.id: SealedNames(key) for key in keys}
        self.is_consistent = transport.is_consistent
        #: The files of the last listing that were not put with one of the keys.
        self.outsiders = Outsiders([], {}, [])

    @property
    def atomic(self) -> bool:
        return self._transport.atomic

    def stored_size(self, size: int) -> int:
        return sealed_size(size)

    def list(self) -> Sequence[ListedObject]:
        self.outsiders = Outsiders([], {}, [])
        listed = [(self._name_here(entry.name), entry) for entry in self._transport.list()]
        self.is_absent = self._transport.is_absent
        return [entry._replace(name=name) for name, entry in listed if name]

    def _name_here(self, name: str) -> str:
        """Return the name of a listed file without CHECK; empty for a file that is not read, which is recorded."""
        if target := placeholder_target(name):
            here = self._name_here(target)
            return name.replace(target, here) if here else ""
        if is_hidden(name):
            return name
        if not is_sealed_name(name):
            self.outsiders.plain.append(name)
            return ""
        names = self._names.get(key_id_of(name))
        if names is None:
            self.outsiders.foreign.setdefault(key_id_of(name), []).append(name)
            return ""
        here = names.without_check(name)
        if not here:
            self.outsiders.forged.append(name)
        return here

    def stored_name(self, name: str) -> str:
        names = self._names.get(name.partition("-")[0]) if name.endswith(SEALED_SUFFIX) else None
        return names.with_check(name) if names and not is_sealed_name(name) else name

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        opener = Opener(name, self._keys, write)
        self._transport.get(self.stored_name(name), opener)
        opener.finish()

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        """Read files into an empty local directory, and yield each with its decrypted content, or its error."""
        here = {self.stored_name(entry.name): entry for entry in entries}
        there = [entry._replace(name=name) for name, entry in here.items()]
        with LocalFiles(_made(f"{directory}/opened")) as files:
            for listed, result in self._transport.fetch(there, _made(f"{directory}/sealed")):
                entry = here[listed.name]
                yield entry, result if isinstance(result, CrdtctlError) else self._opened(entry, result, files)

    def _opened(self, entry: ListedObject, sealed: LocalFile, files: LocalFiles) -> LocalFile | CrdtctlError:
        try:
            with files.new() as incoming:
                opener = Opener(entry.name, self._keys, incoming.write)
                for piece in sealed.pieces():
                    opener(piece)
                opener.finish()
                return incoming.finish()
        except DataError as error:
            error.message = error.message.replace(printable(entry.name), printable(self.stored_name(entry.name)))
            return error
        finally:
            sealed.discard()

    def put(self, name: str, path: str) -> None:
        sealed = f"{path}.sealed"
        try:
            with open(path, "rb") as source, open(sealed, "wb") as target:
                seal(source, name, self._key, target.write)
            self._transport.put(self.stored_name(name), sealed)
        except OSError as error:
            raise from_os(error, f"seal {printable(name)}") from None
        finally:
            with suppress(OSError):
                os.unlink(sealed)
        self.made = self._transport.made

    def delete(self, name: str) -> None:
        self._transport.delete(self.stored_name(name))

    def cancel(self) -> None:
        self._transport.cancel()

    def flush(self) -> None:
        self._transport.flush()

    def close(self) -> None:
        self._transport.close()


def _made(directory: str) -> str:
    make_private(directory)
    return directory
