"""Replicas that meet in a folder, for the tests of ``crdtctl sync``."""

from pathlib import Path

from crdtctl import Replica, synchronize


def neighbour(shell_directory: Path, name: str, hub: Path | None, **amounts: int) -> Replica:
    """Make a replica that counted something, and has met others in the folder `hub` already."""
    made = Replica.init(shell_directory.parent / "replicas" / name, name=name)
    for counter, amount in amounts.items():
        made.increment(counter, amount)
    if hub:
        synchronize(made, str(hub))
    return made


def objects(hub: Path, owner: str = "") -> list[str]:
    """Return the names of the objects in a folder, those of one owner if it is named, by the name they begin with."""
    return sorted(path.name for path in hub.iterdir() if path.name.startswith(owner))
