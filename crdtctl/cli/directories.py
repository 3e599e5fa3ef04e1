"""Directories among the state files of a command line: the state files below them."""

from __future__ import annotations

from crdtctl.errors import DataError, MissingError, printable
from crdtctl.system import os

#: Endings of the names of state files in a directory, compressed or not.
_ENDINGS = tuple(f".{layout}{packed}" for layout in ("json", "toml") for packed in ("", ".gz", ".zst"))
#: Maximum number of other names. A directory such as ``/`` or a home is most probably a mistake.
_MAX_OTHERS = 10_000


def state_files(path: str) -> list[str]:
    """Return a path itself, or the sorted paths of the state files below a directory.

    Hidden names, other endings and links to directories are left out. A replica's directory and a directory that
    cannot be read stay in the list, since opening them raises the right error. Raise `MissingError` without any, and
    `DataError` if there are very many other files.
    """
    if not os.path.isdir(path):
        return [path]
    found: list[str] = []
    unreadable: list[OSError] = []
    others = 0
    for place, directories, names in os.walk(path, onerror=unreadable.append):
        if "own.json" in names or os.path.exists(os.path.join(place, ".crdtctl", "own.json")):
            found.append(place)
            directories.clear()
            continue
        directories[:] = [name for name in directories if name[0] != "."]
        files = [os.path.join(place, name) for name in names if name.endswith(_ENDINGS) and name[0] != "."]
        found += files
        others += len(names) + len(directories) - len(files)
        if others > _MAX_OTHERS:
            raise DataError(
                f"{printable(path)} contains more than {_MAX_OTHERS:,} files and directories of other kinds",
                "name a directory of state files",
            )
    found += [error.filename for error in unreadable]
    if not found:
        raise MissingError(
            f"{printable(path)} contains no state file", "their names end with .json or .toml, .gz or .zst after it"
        )
    return sorted(found)
