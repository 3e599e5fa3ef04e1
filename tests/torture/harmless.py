"""Events of a replica that make no copy: it should keep its id, and print nothing."""

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tests.conftest import PROGRAM
from tests.torture.exchange import Site, World
from tests.torture.ways import needed_by, world
from tests.torture.ways_of_disks import Mount, another_machine, disk_of, needed, under

#: Does it all; returns who writes next.
Event = Callable[[World], Site]


@dataclass(frozen=True)
class Harmless:
    """An event that makes no copy. `missing` is the reason why it cannot be tried here, or an empty text."""

    name: str
    happens: Event
    missing: Callable[[], str]

    def said(self) -> Sequence[str]:
        """Cause the event, count again by each path, and return the messages."""
        with world() as here:
            site = self.happens(here)
            here.count(site)
            here.count(site)
            return here.said


#: Scripts that change the directory $from. If it is at $to afterwards, the replica continues there.
_SCRIPTS = {
    "mv in the same directory": 'mv "$from" "$to"',
    "mv to another directory of the same file system": 'mkdir d; mv "$from" d; mv d/a "$to"',
    "a parent directory renamed, and the old name a link": 'mkdir d; mv "$from" d; mv d e; ln -s e d; mv d/a "$to"',
    "chmod": 'chmod 600 "$from"/*.json; chmod 755 "$from"',
    "touch": 'touch -d 2001-01-01 "$from"/* "$from"; touch "$from"/own.json',
    "sed -i on config.toml": 'echo "# lock" >>"$from/config.toml"; sed -i s/lock/key/ "$from/config.toml"',
    "tar of the directory": 'tar -C "$from" -cf t.tar .',
    "cp -a from it": 'cp -a "$from" t',
    "rsync -a from it": 'rsync -a "$from/" t',
    "zip of it": 'zip -qr t.zip "$from"',
    "git add of it": 'cd "$from"; git init -q; rm .gitignore; git add -A',
    "grep through it, as an indexer does": 'grep -r victim "$from" >/dev/null',
    "a hard link to own.json, deleted again": 'ln "$from/own.json" t; rm t',
    "lock files deleted": 'rm "$from"/*.lock',
    "the log deleted": 'rm -f "$from"/log.jsonl "$from"/log.old.jsonl',
    "known.json deleted": 'rm "$from/known.json"',
    "a new file in the directory": 'echo x >"$from/notes.txt"; mkdir "$from/d"',
}


def _script(script: str) -> Event:
    def happens(here: World) -> Site:
        site = here.begin()
        moved = replace(site, replica=here.root / "b")
        here.shell(script, **{"from": site.replica, "to": moved.replica})
        return moved if moved.replica.exists() else site

    return happens


def _two_homes_in_turns(here: World) -> Site:
    site = here.begin()
    here.count(replace(site, home=here.root / "another home"))
    here.count(site)
    return replace(site, home=here.root / "another home")


_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def _no_nobody() -> str:
    if why := needed()():
        return why
    done = subprocess.run([*_NOBODY, *PROGRAM, "--version"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "nobody may not run the program here"


def _users_in_turns(own_homes: bool) -> Event:
    def happens(here: World) -> Site:
        here.root.chmod(0o755)
        place = here.root / "place"
        place.mkdir()
        site = here.begin(place / "a")
        here.shell("chown -R 65534:65534 place")
        other = here.root / "home of nobody"
        nobody = replace(site, under=_NOBODY, home=other if own_homes else site.home)
        for _ in range(2):
            here.count(nobody)
            here.count(nobody)
            here.count(site)
            here.count(site)
        return nobody

    return happens


def _mounted_again(kind: str) -> Event:
    def happens(here: World) -> Site:
        disk = disk_of(here, kind)
        site = here.begin(disk.mount / "a")
        disk.detach()
        disk.attach()
        return site

    return happens


def _checked(here: World) -> Site:
    disk = disk_of(here, "ext4")
    site = here.begin(disk.mount / "a")
    disk.detach()
    here.shell('e2fsck -fy "$image" || [ $? = 1 ]', image=disk.image)
    disk.attach()
    return site


def _image_moved(here: World) -> Site:
    disk = disk_of(here, "ext4")
    site = here.begin(disk.mount / "a")
    there = replace(disk, image=here.root / "image", mount=here.root / "the other place")
    there.mount.mkdir()
    disk.detach()
    here.stack.callback(disk.attach)  # what is to be unmounted in the end
    here.shell('cp --sparse=always "$from" "$to"', **{"from": disk.image, "to": there.image})
    there.attach()
    here.stack.callback(there.detach)
    return replace(site, replica=there.mount / "a")


def _through_a_bind_mount(here: World) -> Site:
    site = here.begin()
    place = here.root / "b"
    place.mkdir()
    return Site(place, site.home, under(["--bind", site.replica, place]))


def _layer_mounted_again(here: World) -> Site:
    lower, above, work = (here.root / name for name in ("lower", "above", "work"))
    for path in (lower, above, work):
        path.mkdir()
    mount: Mount = ["-t", "overlay", "none", "-o", f"lowerdir={lower},upperdir={above},workdir={work}", lower]
    return here.begin(lower / "a", under=under(mount))  # each command mounts it again


# What does begin a new id, although nothing was copied -------------------------------------------------------


def _backup_by_hard_links(here: World) -> Site:
    site = here.begin()
    here.shell("cp -al a t")
    return site


def _home_lost(here: World) -> Site:
    site = here.begin()
    here.shell("rm -r home")
    return site


def _new_machine_id(here: World) -> Site:
    site = here.begin()
    return replace(site, under=under(another_machine(here)))


def _container_in_turns(here: World) -> Site:
    site = here.begin()
    inside = replace(site, under=under(["-t", "tmpfs", "none", site.home]))
    here.count(inside)
    here.count(site)
    return inside


#: What must not alarm.
QUIET: tuple[Harmless, ...] = (
    *(Harmless(name, _script(script), needed_by(script)) for name, script in _SCRIPTS.items()),
    Harmless("two homes in turns", _two_homes_in_turns, needed_by()),
    Harmless("root and nobody in turns, one home", _users_in_turns(False), _no_nobody),
    Harmless("root and nobody in turns, each at home", _users_in_turns(True), _no_nobody),
    Harmless("the same image of ext4 mounted again", _mounted_again("ext4"), needed("ext4")),
    Harmless("the same image of xfs mounted again", _mounted_again("xfs"), needed("xfs")),
    Harmless("the same image of btrfs mounted again", _mounted_again("btrfs"), needed("btrfs")),
    Harmless("the same image after a file system check", _checked, needed("ext4")),
    Harmless("the image moved, and mounted elsewhere", _image_moved, needed("ext4")),
    Harmless("reached through a bind mount", _through_a_bind_mount, needed()),
    Harmless("a container's layer mounted again for each command", _layer_mounted_again, needed()),
)

#: Events that begin a new id, by design: they look like a copy, or are one in part. Each costs an entry.
LOUD: tuple[Harmless, ...] = (
    Harmless("a backup by hard links (cp -al from it)", _backup_by_hard_links, needed_by()),
    Harmless("the state directory lost", _home_lost, needed_by()),
    Harmless("a new machine-id, or its disk put into another machine", _new_machine_id, needed()),
    Harmless("a container without the user's state directory, and the host, in turns", _container_in_turns, needed()),
)
