"""Writes the pack: the compiled modules of the package in one file, which `crdtctl.pack` reads.

It is made of the valid ones of the files that Python itself has written (`.pyc`), so nothing is compiled for it. It is
written at the end of a command that imported a module which the pack lacks, where Python would write such files too.
"""

import marshal
import sys
from zlib import crc32

from crdtctl.pack import HERE, PACKAGE, PLACE, START, Pack, compiled_head, compiled_place
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def complete(pack: Pack) -> None:
    """Write the pack again if that adds a missed module; raise `OSError` where it cannot be written."""
    if not sys.dont_write_bytecode and any(map(_is_compiled, pack.missed)):
        _write()


def _is_compiled(name: str) -> bool:
    base = HERE + name[len(PACKAGE) :].replace(".", "/")
    return any(_compiled(source) is not None for source in (f"{base}.py", f"{base}/__init__.py"))


def _compiled(source: str) -> bytes | None:
    """Return the compiled form of a source, or None without a valid one."""
    try:
        head = compiled_head(os.stat(source))
        fd = os.open(compiled_place(source), os.O_RDONLY | os.O_CLOEXEC)
        try:
            data = os.read(fd, os.fstat(fd).st_size)
        finally:
            os.close(fd)
    except OSError:
        return None
    return data if data[: len(head)] == head else None


def packed() -> bytes:
    """Return a pack of all modules that are compiled."""
    index: dict[str, tuple[bool, int, int, int]] = {}
    forms: list[bytes] = []
    offset = 0
    for name, source in _sources(PACKAGE, HERE):
        form = _compiled(source) if compiled_place(source) != PLACE else None
        if form is not None:
            index[name] = (source.endswith("/__init__.py"), offset, len(form), crc32(form))
            forms.append(form)
            offset += len(form)
    head = marshal.dumps(index)
    numbers = [len(head).to_bytes(4, "little"), crc32(head).to_bytes(4, "little")]
    return b"".join([START, *numbers, head, *forms])


def _sources(package: str, directory: str) -> "Iterator[tuple[str, str]]":
    """Yield the names of all modules of a package, with their sources."""
    for entry in sorted(os.listdir(directory)):
        path = f"{directory}/{entry}"
        if entry == "__init__.py":
            yield package, path
        elif entry.endswith(".py"):
            yield f"{package}.{entry[:-3]}", path
        elif os.path.exists(f"{path}/__init__.py"):
            yield from _sources(f"{package}.{entry}", path)


def _write() -> None:
    """Put a new pack in the place of the old one in one step, so that other processes see one or the other."""
    temporary = f"{PLACE}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        try:
            data = packed()
            while data:
                data = data[os.write(fd, data) :]
        finally:
            os.close(fd)
        os.rename(temporary, PLACE)
    except BaseException:
        os.unlink(temporary)
        raise
