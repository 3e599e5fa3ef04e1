"""Real ways to copy a replica, or to put an older version of it back, within the file systems that are there."""

import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.torture.exchange import Outcome, Site, World

#: Does it all, from the first increment on; returns who writes on afterwards.
Happens = Callable[[World], Sequence[Site]]


@dataclass(frozen=True)
class Way:
    """A way to copy or to roll back. `missing` is the reason why it cannot be tried here, or an empty text."""

    name: str
    happens: Happens
    missing: Callable[[], str]

    def tried(self, rounds: int) -> Outcome:
        """Go this way, write on, exchange, and judge."""
        with world() as here:
            return here.ends(self.happens(here), rounds)


@contextmanager
def world() -> Iterator[World]:
    """Make a world in a directory of its own."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        yield World(Path(directory).resolve(), stack)


def programs(*names: str) -> Callable[[], str]:
    """Return a function that names the missing ones of these programs."""
    return lambda: ", ".join(f"{name} is not installed" for name in names if shutil.which(name) is None)


#: Programs in scripts that not every machine has.
_RARE = {"cpio", "git", "rsync", "unzip", "zip"}


def needed_by(*scripts: str) -> Callable[[], str]:
    """Return a function that names the missing programs of these scripts."""
    return programs(*sorted(_RARE.intersection(re.findall("[a-z]+", " ".join(scripts)))))


_COMMIT = """
cd "$from"; git init -q; rm .gitignore; git add -A
git -c user.name=nobody -c user.email=nobody@localhost commit -qm 1
"""

#: What copies the directory $from to $to.
_COPIES = {
    "cp -r": 'cp -r "$from" "$to"',
    "cp -a": 'cp -a "$from" "$to"',
    "cp -al (hard links)": 'cp -al "$from" "$to"',
    "cp --reflink=auto": 'cp -a --reflink=auto "$from" "$to"',
    "tar": 'tar -C "$from" -cf t.tar .; mkdir "$to"; tar -C "$to" -xpf t.tar',
    "zip": 'zip -qr t.zip a; mkdir t; cd t; unzip -q ../t.zip; mv a "$to"',
    "cpio -p": 'mkdir "$to"; cd "$from"; find . | cpio -pdm --quiet "$to"',
    "rsync -a": 'rsync -a "$from/" "$to"',
    "rsync -aH --link-dest": 'rsync -aH --link-dest="$from" "$from/" "$to"',
    "dd of each file": 'mkdir "$to"; for f in "$from"/*; do dd status=none if="$f" of="$to/${f##*/}"; done',
    "own.json alone, cat into a new directory": 'cat "$from/own.json" >o; mkdir "$to"; mv o "$to/own.json"',
    "own.json alone, a hard link in a new directory": 'mkdir "$to"; ln "$from/own.json" "$to"',
    "git clone": _COMMIT + 'git clone -q . "$to"',
    "mv, and a copy in its old place": 'mv "$from" "$to"; cp -a "$to" "$from"',
}

#: What keeps the directory $from as it is, and what puts that back.
_ROLL_BACKS = {
    "own.json alone, cp": ('cp "$from/own.json" kept', 'cp kept "$from/own.json"'),
    "own.json alone, cp -p and mv": ('cp -p "$from/own.json" kept', 'mv kept "$from/own.json"'),
    "own.json alone, cat > in place": ('cat "$from/own.json" >kept', 'cat kept >"$from/own.json"'),
    "own.json alone, dd in place": (
        'cp "$from/own.json" kept',
        'dd status=none conv=notrunc if=kept of="$from/own.json"; truncate -r kept "$from/own.json"',
    ),
    "own.json alone, its hard link moved back": ('ln "$from/own.json" kept', 'mv kept "$from/own.json"'),
    "own.json alone, its hard link linked back": ('ln "$from/own.json" kept', 'ln -f kept "$from/own.json"'),
    "known.json alone, cp": ('cp "$from/known.json" kept || :', 'cp kept "$from/known.json" || rm "$from/known.json"'),
    "everything, cp over it": ('cp -a "$from" kept', 'cp -a kept/. "$from"'),
    "everything, rm -r and cp -a": ('cp -a "$from" kept', 'rm -r "$from"; cp -a kept "$from"'),
    "everything, rename swap": ('cp -a "$from" kept', 'mv "$from" old; mv kept "$from"'),
    "everything, rename swap of hard links": ('cp -al "$from" kept', 'mv "$from" old; mv kept "$from"; rm -r old'),
    "everything, the old directory is the one kept": (
        'mv "$from" kept; cp -a kept "$from"',
        'rm -r "$from"; mv kept "$from"',
    ),
    "everything, tar over it": ('tar -C "$from" -cf t.tar .', 'tar -C "$from" -xpf t.tar'),
    "everything, unzip over it": ('cd "$from"; zip -qr ../t.zip .', 'cd "$from"; unzip -qo ../t.zip'),
    "everything, rsync -a over it": ('rsync -a "$from/" kept', 'rsync -a kept/ "$from"'),
    "everything, rsync --inplace over it": (
        'rsync -a "$from/" kept',
        'rsync -a --inplace --no-whole-file -I kept/ "$from"',
    ),
    "everything, rsync --delete over it": ('rsync -a "$from/" kept', 'rsync -a --delete -I kept/ "$from"'),
    "git checkout": (
        _COMMIT,
        'cd "$from"; git checkout -q -- .',
    ),
    "git reset --hard": (
        _COMMIT,
        'cd "$from"; git reset -q --hard',
    ),
    "everything and the user's home, cp over both": (
        'mkdir kept; cp -a "$from" home kept',
        "cp -a kept/. .",
    ),
    "everything and the user's home, rm -r and cp -a": (
        'mkdir kept; cp -a "$from" home kept',
        'rm -r "$from" home; cp -a kept/. .',
    ),
}


def _copied(script: str) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        source = here.begin()
        copy = Site(here.root / "b", source.home)
        here.shell(script, **{"from": source.replica, "to": copy.replica})
        return [source, copy]

    return happens


def put_back(here: World, site: Site, keep: Callable[[], object], restore: Callable[[], object]) -> None:
    """Keep a version, write on and send some of it, and put that version back."""
    keep()
    here.count(site)
    here.send(site)
    here.gone.update([here.count(site), here.count(site)])
    restore()


def _rolled_back(keep: str, restore: str) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        site = here.begin()
        where = {"from": site.replica}
        put_back(here, site, lambda: here.shell(keep, **where), lambda: here.shell(restore, **where))
        return [site]

    return happens


# Ways with more than a script ------------------------------------------------------------------------------


def _elsewhere(shm: str) -> Callable[[], str]:
    def missing() -> str:
        if not os.access(shm, os.W_OK) or Path(shm).stat().st_dev == Path(tempfile.gettempdir()).stat().st_dev:
            return f"{shm} is not another file system"
        return ""

    return missing


def _other_file_system(here: World) -> Path:
    return Path(here.stack.enter_context(tempfile.TemporaryDirectory(dir="/dev/shm"))).resolve()


def _moved_away(here: World) -> Sequence[Site]:
    source = here.begin()
    moved = Site(_other_file_system(here) / "a", source.home)
    here.shell('mv "$from" "$to"', **{"from": source.replica, "to": moved.replica})
    return [moved]


def _moved_there_and_back(here: World) -> Sequence[Site]:
    source = here.begin()
    there = Site(_other_file_system(here) / "a", source.home)
    here.shell('mv "$from" "$to"', **{"from": source.replica, "to": there.replica})
    here.count(there)
    here.shell('mv "$to" "$from"', **{"from": source.replica, "to": there.replica})
    return [source]


def _copied_to_tmpfs(here: World) -> Sequence[Site]:
    source = here.begin()
    copy = Site(_other_file_system(here) / "a", source.home)
    here.shell('cp -a "$from" "$to"', **{"from": source.replica, "to": copy.replica})
    return [source, copy]


def _copied_before_more(here: World) -> Sequence[Site]:
    source = here.begin()
    copy = Site(here.root / "b", source.home)
    here.shell('cp -a "$from" "$to"', **{"from": source.replica, "to": copy.replica})
    here.count(source)
    here.send(source)
    here.count(source)
    return [source, copy]


def _copied_when_new(here: World) -> Sequence[Site]:
    source, copy = Site(here.root / "a", here.root / "home"), Site(here.root / "b", here.root / "home")
    here.run(source, "init", "--name", "victim")
    here.shell('cp -a "$from" "$to"', **{"from": source.replica, "to": copy.replica})
    return [source, copy]


def _copied_twice(here: World) -> Sequence[Site]:
    source = here.begin()
    sites = [source, *(Site(here.root / name, source.home) for name in "bc")]
    here.shell("cp -a a b; cp -a b c")
    return sites


def _copy_of_a_copy_that_wrote(here: World) -> Sequence[Site]:
    source = here.begin()
    sites = [source, *(Site(here.root / name, source.home) for name in "bc")]
    here.shell("cp -a a b")
    here.count(sites[1])
    here.shell("cp -a b c")
    return sites


def _copied_while_it_writes(here: World) -> Sequence[Site]:
    source = here.begin()
    copy = Site(here.root / "b", source.home)
    script = 'i=0; while ! cp -a "$from" "$to" 2>/dev/null; do rm -rf "$to"; i=$((i+1)); [ $i -lt 50 ]; done'
    thread = threading.Thread(target=here.shell, args=(script,), kwargs={"from": source.replica, "to": copy.replica})
    thread.start()
    for _ in range(3):
        here.count(source)
    thread.join()
    return [source, copy]


def _rolled_back_twice(here: World) -> Sequence[Site]:
    site = here.begin()

    def restore() -> None:
        here.shell("rm -r a; cp -a kept a")

    put_back(here, site, lambda: here.shell("cp -a a kept"), restore)
    put_back(here, site, lambda: None, restore)
    return [site]


def _old_one_beside_the_new(here: World) -> Sequence[Site]:
    """Restore the old version beside the replica, and continue with both."""
    site = here.begin()
    here.shell("cp -a a kept")
    here.count(site)
    here.send(site)
    here.count(site)
    here.shell("mv a b; mv kept a")
    return [site, Site(here.root / "b", site.home)]


def _with_another_home(here: World) -> Sequence[Site]:
    source = here.begin()
    here.shell("cp -a a b")
    return [source, Site(here.root / "b", here.root / "another home")]


def _home_moved(here: World) -> Sequence[Site]:
    source = here.begin()
    here.shell("mkdir other; cp -a a other; cp -a home other; rm -r home; ln -s other/home home")
    return [source, Site(here.root / "other" / "a", here.root / "other" / "home")]


#: Ways that need neither root nor a file system of their own.
WAYS: tuple[Way, ...] = (
    *(Way(f"copy: {name}", _copied(script), needed_by(script)) for name, script in _COPIES.items()),
    Way("copy: cp -a, and the replica wrote more before the copy did", _copied_before_more, needed_by()),
    Way("copy: cp -a of a replica that had not counted yet", _copied_when_new, needed_by()),
    Way("copy: cp -a twice, three writers", _copied_twice, needed_by()),
    Way("copy: cp -a of a copy that wrote", _copy_of_a_copy_that_wrote, needed_by()),
    Way("copy: cp -a while it writes", _copied_while_it_writes, needed_by()),
    Way("copy: cp -a, used from another home", _with_another_home, needed_by()),
    Way("copy: cp -a of it and of the home, which is a link to that copy now", _home_moved, needed_by()),
    Way("copy: cp -a to a tmpfs", _copied_to_tmpfs, _elsewhere("/dev/shm")),
    Way("move: mv to a tmpfs", _moved_away, _elsewhere("/dev/shm")),
    Way("move: mv to a tmpfs, used there, and back", _moved_there_and_back, _elsewhere("/dev/shm")),
    *(Way(f"roll-back: {name}", _rolled_back(*scripts), needed_by(*scripts)) for name, scripts in _ROLL_BACKS.items()),
    Way("roll-back: the same version twice", _rolled_back_twice, needed_by()),
    Way("roll-back: the old version beside the new one, both go on", _old_one_beside_the_new, needed_by()),
)
