"""The pack: the compiled modules of the package in one file, and the finder of modules in it.

An ordinary import searches directories, opens a file and reads it. This takes longer than to execute a small
module, and a small command imports about sixty. So `crdtctl.packing` copies the compiled modules that Python keeps
(`.pyc`) into the pack, and the installed script lets Python find them there. As Python does, `Pack` compares the time
and the size of a source with those in the compiled form. A module that is missing, changed or damaged in the pack is
imported in the ordinary way.

The pack is::

    signature (8 bytes), Python's magic number (4), size of the index (4), CRC-32 of the index (4)
    index: marshalled dict, name of a module → whether it is a package, offset, size, CRC-32
    compiled forms: magic number, flags, time and size of the source (4 bytes each), marshalled code
"""

import marshal
import posix
import sys
from _frozen_importlib import ModuleSpec  # importlib has it from there; its import would take as long as an increment
from _frozen_importlib_external import MAGIC_NUMBER, SourceFileLoader
from _imp import _fix_co_filename  # type: ignore[attr-defined]
from zlib import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

PACKAGE = "crdtctl"
#: The directory of the package, the place of the pack there, and what the pack begins with.
HERE = __file__.rpartition("/")[0]
_TAG = f".{sys.implementation.cache_tag}.pyc"
PLACE = f"{HERE}/__pycache__/modules{_TAG}"
START = b"crdtpack" + MAGIC_NUMBER
_HEAD = len(START) + 8
#: What a compiled form with the time of its source begins with, not with a hash of it.
_NO_HASH = MAGIC_NUMBER + bytes(4)
_MAX_INDEX = 1 << 20
#: The last of the standard streams. One that is closed has to stay so: nothing may be read from a file in its place.
_STANDARD_ERROR = 2


class Loader(SourceFileLoader):
    """Executes a module whose code is known, and does all else as the loader of its source."""

    code: "CodeType"

    def get_code(self, _name: str) -> "CodeType":
        """Return the code of the module."""
        return self.code


class Pack:
    """A finder of modules in the pack that is open as a descriptor. In a damaged one it finds none."""

    __slots__ = ("_after", "_fd", "_index", "missed")

    def __init__(self, fd: int) -> None:
        #: Names of the modules of the package that were asked for and not found.
        self.missed: list[str] = []
        self._fd = fd
        self._index: dict[str, tuple[bool, int, int, int]] = {}
        try:
            head = posix.pread(fd, _HEAD, 0)
            size = int.from_bytes(head[-8:-4], "little")
            if head[:-8] != START or size > _MAX_INDEX:
                return
            index = posix.pread(fd, size, _HEAD)
        except OSError:
            return
        self._after = _HEAD + size
        if len(index) == size and crc32(index) == int.from_bytes(head[-4:], "little"):
            self._index = marshal.loads(index)  # noqa: S302 - as safe as what Python itself keeps in this directory

    def find_spec(
        self, name: str, _path: "Sequence[str] | None" = None, _target: "ModuleType | None" = None
    ) -> ModuleSpec | None:
        """Return how a module is loaded, or None if that is left to the other finders."""
        entry = self._index.get(name)
        if entry is not None:
            is_package, offset, size, checksum = entry
            base = HERE + name[len(PACKAGE) :].replace(".", "/")
            source = f"{base}/__init__.py" if is_package else f"{base}.py"
            code = self._code(source, offset, size, checksum)
            if code is not None:
                _fix_co_filename(code, source)  # the package may have been moved
                loader = Loader(name, source)
                loader.code = code
                spec = ModuleSpec(name, loader, origin=source, is_package=is_package)
                spec.has_location = True
                spec.cached = compiled_place(source)
                if is_package:
                    spec.submodule_search_locations = [base]
                return spec
        if name.startswith("crdtctl."):
            self.missed.append(name)
        return None

    def _code(self, source: str, offset: int, size: int, checksum: int) -> "CodeType | None":
        """Return the code of a module; None if its source has changed, or if it is damaged."""
        try:
            head = compiled_head(posix.stat(source))
            data = posix.pread(self._fd, size, self._after + offset)
        except OSError:
            return None
        if data[:16] != head or crc32(data) != checksum:
            return None
        code: CodeType = marshal.loads(memoryview(data)[16:])  # noqa: S302 - as above
        return code


def compiled_place(source: str) -> str:
    """Return where Python keeps the compiled form of a source."""
    directory, _, name = source.rpartition("/")
    return f"{directory}/__pycache__/{name[:-3]}{_TAG}"


def compiled_head(source: posix.stat_result) -> bytes:
    """Return the 16 bytes that the compiled form of a source begins with."""
    time, size = int(source.st_mtime) & 0xFFFFFFFF, source.st_size & 0xFFFFFFFF
    return _NO_HASH + time.to_bytes(4, "little") + size.to_bytes(4, "little")


def use() -> Pack | None:
    """Let Python find the modules of the package in the pack, and return it; None where a pack is of no use."""
    fd = -1
    try:
        fd = posix.open(PLACE, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError:
        pass
    if 0 <= fd <= _STANDARD_ERROR:
        posix.close(fd)
        return None
    pack = Pack(fd)
    sys.meta_path.insert(0, pack)
    return pack
