"""The directory for the temporary files of a sync."""

from __future__ import annotations

from crdtctl.errors import from_os
from crdtctl.store import temporary
from crdtctl.store.durable import NEW
from crdtctl.store.owner import make_directories
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self

_PREFIX = "crdtctl-sync-"


class TemporaryDirectory:
    """A directory that is made at its first use, and deleted at the end of the sync with all that it holds.

    It is in the replica's `directory`. A dry run makes it in the system's directory for temporary files, and in
    `directory` only if the system has none. Several threads may use it.
    """

    def __init__(self, directory: str, *, is_dry: bool) -> None:
        """Delete the temporary files that killed syncs left behind, unless in a dry run."""
        self._parent = directory
        if is_dry:
            self._parent = temporary.directory(directory)
        else:
            _sweep(directory)
        self._path = f"{self._parent}/{_PREFIX}{os.urandom(8).hex()}"
        self._is_used = False

    def file(self, name: str) -> str:
        """Return the path for a file."""
        self._make()
        return f"{self._path}/{name}"

    def folder(self, name: str) -> str:
        """Return the path of a folder, which is made if it does not exist."""
        path = self.file(name)
        make_private(path)
        return path

    def _make(self) -> None:
        if not self._is_used:
            try:
                make_directories(self._parent, shared=True)
            except OSError as error:
                raise from_os(error, "make a temporary directory") from None
            make_private(self._path)
            self._is_used = True

    def remove(self, name: str) -> None:
        """Delete a folder."""
        if self._is_used:
            _remove(f"{self._path}/{name}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if os.path.lexists(self._path):  # also after a signal that came while it was made
            _remove(self._path)


def _sweep(directory: str) -> None:
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        raise from_os(error, "make a temporary directory") from None
    for name in names:
        if name.startswith(_PREFIX):
            _remove(f"{directory}/{name}")
        elif name.endswith(NEW):
            try:
                os.unlink(f"{directory}/{name}")
            except OSError as error:
                raise from_os(error, "make a temporary directory") from None


def make_private(path: str) -> None:
    """Make a directory that only this user can read, if it does not exist."""
    try:
        os.mkdir(path, 0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise from_os(error, "make a temporary directory") from None


def _remove(path: str) -> None:
    try:
        for name in os.listdir(path):
            os.rmdir(f"{path}/{name}")  # small files stay in memory, so that most folders are empty
        os.rmdir(path)
    except OSError:
        import shutil

        shutil.rmtree(path, ignore_errors=True)
