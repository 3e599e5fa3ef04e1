"""A new replica that knows something, with files beside it, for one command to be tried on."""

from dataclasses import dataclass
from pathlib import Path

from crdtctl import Replica

#: A command's words → what it adds to what a new scene holds. They are run in the scene's directory.
WRITES: dict[str, dict[str, int]] = {
    "increment builds 2": {"builds": 2},
    "increment builds=2 fresh=1": {"builds": 2, "fresh": 1},
    "increment builds --once job-1": {"builds": 1},
    "increment --batch batch.txt": {"builds": 2, "other": 1},
    "decrement builds": {"builds": -1},
    "add names x y": {"names": 2},
    "create fresh --type gcounter --initial 5": {"fresh": 5},
    "merge other.json": {"builds": 5, "failures": 1},
}
HELD = {"builds": 7, "names": 1}


@dataclass(frozen=True)
class Scene:
    """A directory with a replica in its ``.crdtctl``, a state to merge and a batch."""

    directory: Path

    @property
    def replica(self) -> Replica:
        return Replica(self.directory / ".crdtctl")

    def values(self) -> dict[str, int]:
        """Return the values of the replica, with the library."""
        return {reading.name: reading.value for reading in self.replica.counters()}

    def is_as_made(self) -> bool:
        """Return whether nothing was applied."""
        return self.values() == HELD

    def has(self, added: dict[str, int]) -> bool:
        """Return whether the replica has the counters of a scene and the added ones, and no others."""
        return self.values() == {name: HELD.get(name, 0) + added.get(name, 0) for name in {*HELD, *added}}


def scene(directory: Path) -> Scene:
    """Make a scene in a directory that is not there yet."""
    directory.mkdir()
    here = Replica.init(directory / ".crdtctl", name="here")
    other = Replica.init(directory / "other", name="other")
    third = Replica.init(directory / "third", name="third")
    with here.batch() as batch:
        batch.increment("builds", 3)
        batch.add("names", "a")
    third.increment("builds", 4)
    here.merge_bytes(third.export_bytes())
    with other.batch() as batch:
        batch.increment("builds", 5)
        batch.increment("failures", 1)
    other.export_to(directory / "other.json")
    (directory / "batch.txt").write_text("builds 2\nother\n")
    return Scene(directory)
