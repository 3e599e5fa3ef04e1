"""Pipes, devices, links, sockets, directories and holes in the place of a file."""

import os
import shutil
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.expect import contents

if TYPE_CHECKING:
    from tests.torture.hostile import Ground, Tally

GB = 2**30

_OUTSIDE = b"somebody else's\n"


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket may not be long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _hole(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(GB)


def _link(aim: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(aim)


#: How it is made at a path. A link to "outside" is one to a file beside the directory of the path.
WAYS: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a directory": Path.mkdir,
    "a hole of 1 GB": _hole,
    "a link to nothing": _link("nothing"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to a file outside": _link("../outside"),
    "a link to /dev/zero": _link("/dev/zero"),
    "a link to /dev/full": _link("/dev/full"),
    "a link to a directory": _link("."),
}
#: What a writer makes in a replica's directory, or may find there.
PLANTED = (
    "own.json",
    "known.json",
    "own.lock",
    "known.lock",
    "config.toml",
    ".gitignore",
    "own.json.1-00000000.new",
    "known.json.1-00000000.new",
)
_ODD_NAMES = ("\x1b[31m.json", "a\nb.json", "::error::x.json", "\u202e.json", "-", "a" * 250)


def paths(ground: "Ground", tally: "Tally") -> None:
    """Name each of them to every command that reads a state, and files with odd names."""
    from tests.torture.hostile import Deed

    outside = ground.directory / "outside"
    outside.write_bytes(_OUTSIDE)
    inner = ground.directory / "inner"
    inner.mkdir()
    reading = [
        Deed(("merge", "FILE"), frozenset({65, 66})),
        Deed(("check", "FILE"), frozenset({1})),
        Deed(("compare", "FILE"), frozenset({65, 66})),
    ]
    for why, make in WAYS.items():
        tally.files += 1
        make(inner / "odd")
        for deed in reading:
            size = GB if "hole" in why else 0
            ground.judge(tally, why, deed, size, inner / "odd", timed=False)
        remove(inner / "odd")
    for path in ("/dev/zero", "/dev/full", "/dev/null", "/dev/tty", "/proc/self/mem", "/"):
        tally.files += 1
        for deed in reading:
            ground.judge(tally, path, deed, 0, Path(path), timed=False, allowed=frozenset({74}))
    for name in _ODD_NAMES:
        tally.files += 1
        (inner / name).write_bytes(b"{}")
        for deed in reading:
            ground.judge(tally, "an odd name", deed, 0, inner / name, timed=False)
        (inner / name).unlink()
    if outside.read_bytes() != _OUTSIDE:
        tally.faults.append("a file that a link pointed to was changed")


def planted(ground: "Ground", tally: "Tally", part: float) -> None:
    """Put each of them, or a part, in the place of every file of a replica, and write."""
    from tests.torture.hostile import Deed

    replica = Path(ground.replica.path)
    outside = replica.parent / "outside"
    every = frozenset({0, 1, 65, 66, 74, 77, 78})
    deeds = [
        Deed(("increment", "builds"), every),
        Deed(("merge", "good.json"), every),
        Deed(("show",), every),
        Deed(("check",), every),
    ]
    kept = contents(replica)
    for name in PLANTED:
        for why, make in list(WAYS.items())[:: max(1, round(1 / part))]:
            tally.files += 1
            place = replica / name
            remove(place)
            was = kept.get(name, _OUTSIDE)  # what would do as well, if it were followed
            outside.write_bytes(was)
            make(place)
            kind = stat.S_IFMT(place.lstat().st_mode)
            for deed in deeds:
                ended = ground.judge(tally, f"{why} as {name}", deed, GB if "hole" in why else 0, None, timed=False)
                if ended.status == 0 and name == "own.json" and deed.words[0] == "increment":
                    tally.faults.append(f"{why} as {name}: {deed.called} took it for a state")
            if not name.endswith(".new") and (
                (not place.is_symlink() and not place.exists()) or kind != stat.S_IFMT(place.lstat().st_mode)
            ):
                tally.faults.append(f"{why} as {name}: it was replaced")
            if outside.read_bytes() != was:
                tally.faults.append(f"{why} as {name}: the file outside was changed")
            restore(replica, kept)
            ground.bind()


def remove(path: Path) -> None:
    """Delete the file, the link or the directory at a path."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def restore(directory: Path, kept: dict[str, bytes]) -> None:
    """Restore the contents of a directory's files. Unchanged files are left alone."""
    for path in directory.iterdir():
        if path.name not in kept or path.is_symlink() or not path.is_file():
            remove(path)
    for name, data in kept.items():
        path = directory / name
        if not path.exists() or path.stat().st_size != len(data) or path.read_bytes() != data:
            path.write_bytes(data)
