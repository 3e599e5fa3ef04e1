"""Clones of a replica that nothing gives away: as the image of a disk, or the memory of a machine, would make them."""

import re
import shutil
from pathlib import Path

from crdtctl.codec.layout import TRAILER_SIZE, is_whole
from crdtctl.records import replace
from crdtctl.store.durable import OWN
from crdtctl.store.files import Directory

_BOUND = re.compile(rb'"(base|binding|witness)":"[^"]*",?')


def clone(source: Path, target: Path) -> None:
    """Copy a replica's directory; both are bound to their places, and each has a witness of its own."""
    shutil.copytree(source, target)
    bind(target, f"{target}.witness")


def bind(path: Path, witness: str | None = None) -> None:
    """Let the replica at `path` hold that its files are where they belong; change its witness, or tell it so."""
    directory = Directory(str(path))
    try:
        with directory.locked(OWN, 0) as lock:
            own = directory.read_own()
            head = replace(own.source.head, base="")  # both files are written anew
            if witness is not None:
                head = replace(head, witness=witness)
                Path(witness).write_text("0" * 16 + "\n")
            own.source.head = head
            directory.write_own(lock, own, {}, own.seq)
    finally:
        directory.close()


def without_binding(data: bytes) -> bytes:
    """Return what a file holds, but for which file it is and the checksum of that."""
    return _BOUND.sub(b"", data)[:-TRAILER_SIZE] if is_whole(data) and _BOUND.search(data) else data


def contents(directory: Path) -> dict[str, bytes]:
    """Return every file below a directory: its path there, and what it holds but for which file it is."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): without_binding(path.read_bytes()) for path in files}
