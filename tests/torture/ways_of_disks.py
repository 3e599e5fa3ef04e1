"""Ways to copy a replica, or to put an older version of it back, together with the file system that it is on."""

import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.torture.disks import KINDS, Disk, Kind, made, missing, mounted
from tests.torture.exchange import Site, World
from tests.torture.ways import Happens, Way, put_back

_KINDS = {
    "ext4": KINDS["ext4"],
    "xfs": replace(KINDS["xfs"], options="loop,nouuid"),
    "btrfs": Kind(("mkfs.btrfs", "-q"), "loop", 128),
}
#: Which of them can be mounted twice at a time.
_TWICE = ("ext4", "xfs")


_OTHER = "0123456789abcdef" * 2

#: What is given to mount.
Mount = Sequence[str | Path]


def needed(*kinds: str) -> Callable[[], str]:
    """Return a function that gives the reason why these file systems cannot be mounted here."""

    def why() -> str:
        lacking = [make for kind in kinds if shutil.which(make := _KINDS[kind].make[0]) is None]
        return missing() or ", ".join(f"{make} is not installed" for make in lacking)

    return why


def disk_of(here: World, kind: str) -> Disk:
    """Make a file system and mount it, until the end."""
    place = here.root / f"a disk with {kind}"
    place.mkdir()
    return here.stack.enter_context(mounted(made(_KINDS[kind], place)))


def under(*mounts: Mount, and_then: str = 'exec "$@"') -> Sequence[str | Path]:
    """Return the command that runs another one where these mounts have been made, and nowhere else."""
    script = "".join(f"mount {shlex.join(map(str, mount))}; " for mount in mounts)
    return ["unshare", "--mount", "sh", "-euc", script + and_then, "sh"]


def another_machine(here: World, number: str = _OTHER) -> Mount:
    """Return the mount that makes this another machine."""
    path = here.root / "machine-id"
    path.write_text(f"{number}\n" if number else "")
    return ["--bind", path, "/etc/machine-id"]


@dataclass(frozen=True)
class _Image:
    """A replica on a disk of its own, whose user's home is on it too or is not."""

    kind: str
    home_too: bool

    def begin(self, here: World) -> tuple[Disk, Site]:
        disk = disk_of(here, self.kind)
        return disk, here.begin(disk.mount / "a", disk.mount / "home" if self.home_too else None)

    def copy(self, here: World, disk: Disk) -> Disk:
        """Copy the disk block for block; both are mounted then."""
        disk.detach()
        copy = Disk(here.root / "image", here.root / "the other disk", disk.options)
        copy.mount.mkdir()
        here.shell('cp --sparse=always "$from" "$to"', **{"from": disk.image, "to": copy.image})
        disk.attach()
        return here.stack.enter_context(mounted(copy))

    def copied(self, here: World) -> Sequence[Site]:
        """Put the copy where the original was, as on the clone of a machine."""
        disk, source = self.begin(here)
        copy = self.copy(here, disk)
        return [source, replace(source, under=under(["--bind", copy.mount, disk.mount]))]

    def copied_elsewhere(self, here: World) -> Sequence[Site]:
        """Put the copy beside the original, on the same machine."""
        disk, source = self.begin(here)
        copy = self.copy(here, disk)
        return [source, Site(copy.mount / "a", copy.mount / "home" if self.home_too else source.home)]

    def copied_to_another_machine(self, here: World) -> Sequence[Site]:
        disk, source = self.begin(here)
        copy = self.copy(here, disk)
        return [source, replace(source, under=under(["--bind", copy.mount, disk.mount], another_machine(here)))]

    def rolled_back(self, here: World) -> Sequence[Site]:
        disk, source = self.begin(here)
        kept = here.root / "kept"

        def moved(start: Path, end: Path) -> None:
            disk.detach()
            here.shell('cp --sparse=always "$from" "$to"', **{"from": start, "to": end})
            disk.attach()

        put_back(here, source, lambda: moved(disk.image, kept), lambda: moved(kept, disk.image))
        return [source]


def _snapshot(home_too: bool) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        disk = disk_of(here, "btrfs")
        volume, copy = disk.mount / "volume", disk.mount / "snapshot"
        here.shell('btrfs -q subvolume create "$volume"', volume=volume)
        source = here.begin(volume / "a", volume / "home" if home_too else None)
        here.shell('btrfs -q subvolume snapshot "$from" "$to"', **{"from": volume, "to": copy})
        return [source, replace(source, under=under(["--bind", copy, volume]))]

    return happens


def _snapshot_put_back(home_too: bool) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        disk = disk_of(here, "btrfs")
        volume, kept = disk.mount / "volume", disk.mount / "kept"
        here.shell('btrfs -q subvolume create "$volume"', volume=volume)
        site = here.begin(volume / "a", volume / "home" if home_too else None)
        variables = {"from": volume, "to": kept}
        put_back(
            here,
            site,
            lambda: here.shell('btrfs -q subvolume snapshot "$from" "$to"', **variables),
            lambda: here.shell('btrfs -q subvolume delete "$from"; mv "$to" "$from"', **variables),
        )
        return [site]

    return happens


def _reflink(kind: str) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        disk = disk_of(here, kind)
        source = here.begin(disk.mount / "a")
        copy = Site(disk.mount / "b", source.home)
        here.shell('cp -a --reflink=always "$from" "$to"', **{"from": source.replica, "to": copy.replica})
        return [source, copy]

    return happens


def _reflink_put_back(kind: str) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        site = here.begin(disk_of(here, kind).mount / "a")
        kept = site.replica.parent / "kept"
        put_back(
            here,
            site,
            lambda: here.shell('cp -a --reflink=always "$from" "$to"', **{"from": site.replica, "to": kept}),
            lambda: here.shell('rm -r "$from"; mv "$to" "$from"', **{"from": site.replica, "to": kept}),
        )
        return [site]

    return happens


def _copied_by_tar_to(kind: str) -> Happens:
    """Fill a new file system in the very same steps as the first one was."""

    def happens(here: World) -> Sequence[Site]:
        places = [here.root / "one", here.root / "two"]
        for place in places:
            place.mkdir()
            here.shell('mount -t "$kind" none "$place"', kind=kind, place=place)
            here.stack.callback(here.shell, 'umount "$place"', place=place)
        source = here.begin(places[0] / "a")
        here.shell('tar -C "$from" -cf - . | tar -C "$to" -xpf -', **{"from": places[0], "to": places[1]})
        return [source, Site(places[1] / "a", here.root / "another home")]

    return happens


# Mounts over what is there -----------------------------------------------------------------------------------


def _bind(here: World) -> Sequence[Site]:
    source = here.begin()
    here.shell("cp -a a b")
    return [source, replace(source, under=under(["--bind", here.root / "b", source.replica]))]


def _bind_put_back(here: World) -> Sequence[Site]:
    site = here.begin()
    put_back(here, site, lambda: here.shell("cp -a a kept"), lambda: None)
    return [replace(site, under=under(["--bind", here.root / "kept", site.replica]))]


def _on_another_machine(number: str, home_too: bool) -> Happens:
    def happens(here: World) -> Sequence[Site]:
        source = here.begin()
        mounts: list[Mount] = [another_machine(here, number), ["--bind", here.root / "b", source.replica]]
        here.shell("cp -a a b; cp -a home 'another home'")
        if home_too:
            mounts.append(["--bind", here.root / "another home", source.home])
        return [source, replace(source, under=under(*mounts))]

    return happens


def _container(here: World) -> Sequence[Site]:
    source = here.begin()
    new = here.root / "new root"
    new.mkdir()
    here.shell("cp -a a b")
    mounts: list[Mount] = [
        ["--rbind", "/", new],
        ["--bind", here.root / "b", f"{new}{source.replica}"],
        ["-t", "tmpfs", "none", f"{new}{source.home}"],
    ]
    return [source, replace(source, under=under(*mounts, and_then=f"exec chroot '{new}' \"$@\""))]


def _layer(here: World, lower: Path, name: str, over: Path) -> Site:
    """Return a site whose writes go to a layer of its own, over the files in `lower`."""
    above, work = here.root / f"{name} above", here.root / f"{name} work"
    above.mkdir()
    work.mkdir()
    options = f"lowerdir={lower},upperdir={above},workdir={work}"
    mount: Mount = ["-t", "overlay", "none", "-o", options, over]
    return Site(over / "a", over / "home", under(mount))


def _overlay(here: World) -> Sequence[Site]:
    place = here.root / "place"
    source = here.begin(place / "a")
    return [source, replace(_layer(here, place, "one", place), home=source.home)]


def _overlays(home_too: bool) -> Happens:
    """Begin two containers from one image that has a replica baked in."""

    def happens(here: World) -> Sequence[Site]:
        lower = here.root / "lower"
        source = here.begin(lower / "a", lower / "home" if home_too else None)
        over = lower
        sites = [_layer(here, lower, name, over) for name in ("one", "two")]
        return sites if home_too else [replace(site, home=source.home) for site in sites]

    return happens


def _overlay_thrown_away(here: World) -> Sequence[Site]:
    """Throw away a container's layer, and begin again from the image."""
    lower = here.root / "lower"
    here.begin(lower / "a", lower / "home")
    first = _layer(here, lower, "one", lower)
    put_back(here, first, lambda: None, lambda: None)
    return [_layer(here, lower, "two", lower)]


def _images() -> list[Way]:
    ways = []
    for kind in _KINDS:
        for home_too in (False, True):
            image = _Image(kind, home_too)
            what = f"image of {kind}, {'with' if home_too else 'without'} the state directory"
            ways.append(Way(f"roll-back: {what}", image.rolled_back, needed(kind)))
            if kind in _TWICE:
                ways.append(Way(f"copy: {what}, in the same place", image.copied, needed(kind)))
        if kind in _TWICE:
            image = _Image(kind, True)
            what = f"image of {kind}, with the state directory"
            ways.append(Way(f"copy: {what}, mounted elsewhere", image.copied_elsewhere, needed(kind)))
            ways.append(Way(f"copy: {what}, on another machine", image.copied_to_another_machine, needed(kind)))
    return ways


#: Ways that need root, and file systems that can be mounted.
WAYS: tuple[Way, ...] = (
    *_images(),
    Way("copy: btrfs subvolume snapshot", _snapshot(False), needed("btrfs")),
    Way("copy: btrfs subvolume snapshot, with the state directory", _snapshot(True), needed("btrfs")),
    Way("roll-back: btrfs subvolume snapshot", _snapshot_put_back(False), needed("btrfs")),
    Way(
        "roll-back: btrfs subvolume snapshot, with the state directory",
        _snapshot_put_back(True),
        needed("btrfs"),
    ),
    *(Way(f"copy: cp --reflink=always on {kind}", _reflink(kind), needed(kind)) for kind in ("btrfs", "xfs")),
    Way("roll-back: cp --reflink=always on btrfs", _reflink_put_back("btrfs"), needed("btrfs")),
    Way("roll-back: cp --reflink=always on xfs", _reflink_put_back("xfs"), needed("xfs")),
    Way("copy: tar from one new tmpfs to another", _copied_by_tar_to("tmpfs"), needed()),
    Way("copy: bind mount of a copy over it", _bind, needed()),
    Way("roll-back: bind mount of the old version over it", _bind_put_back, needed()),
    Way("copy: another machine, same paths", _on_another_machine(_OTHER, False), needed()),
    Way(
        "copy: another machine, same paths, with the state directory",
        _on_another_machine(_OTHER, True),
        needed(),
    ),
    Way("copy: a machine without an id, same paths, with the state directory", _on_another_machine("", True), needed()),
    Way("copy: a container's root, same paths, its own home", _container, needed()),
    Way("copy: an overlay over it, both write", _overlay, needed()),
    Way("copy: two overlays over one image", _overlays(False), needed()),
    Way("copy: two overlays over one image, with the state directory", _overlays(True), needed()),
    Way("roll-back: an overlay thrown away, with the state directory", _overlay_thrown_away, needed()),
)
