"""A remote in memory that fails, repeats, delays and truncates operations, and returns old listings."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crdtctl.errors import MissingError, TransientError, UnavailableError
from crdtctl.sync.transport import ListedObject, Transport


class Cut(BaseException):
    """The process that syncs is killed here."""


@dataclass
class Store:
    """What is at a remote. While it is `faulty`, it draws from `chance` what goes wrong."""

    chance: random.Random
    files: dict[str, bytes] = field(default_factory=dict)
    faulty: bool = False
    requests: list[str] = field(default_factory=list)
    _late: list[Callable[[], object]] = field(default_factory=list)
    _past: list[dict[str, bytes]] = field(default_factory=list)

    def may(self, percent: int) -> bool:
        """Return whether something goes wrong that does so this often."""
        return self.faulty and self.chance.randrange(100) < percent

    def change(self, change: Callable[[], object]) -> None:
        """Do what was asked for: now, or later, or both."""
        self._past = [*self._past[-3:], dict(self.files)]
        if self.may(15):
            self._late.append(change)
        else:
            change()
            if self.may(5):
                self._late.append(change)  # again, when nobody thinks of it any more

    @property
    def is_late(self) -> bool:
        """Whether something that was asked for is still to happen."""
        return bool(self._late)

    def settle(self, all_of_it: bool = False) -> None:
        """Let what is late happen, in any order."""
        while self._late and (all_of_it or self.chance.randrange(3) == 0):
            self._late.pop(self.chance.randrange(len(self._late)))()

    def listing(self) -> dict[str, bytes]:
        """Return what a listing is made of: what is there, or was a while ago."""
        return self.chance.choice(self._past) if self._past and self.may(15) else self.files


class Faulty(Transport):
    """The transport to a `Store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _asked(self, what: str) -> None:
        self._store.requests.append(what)
        self._store.settle()
        if self._store.may(8):
            raise TransientError("the network is slow today")
        if self._store.may(2):
            raise UnavailableError("the remote is gone")
        if self._store.may(2):
            raise Cut

    def list(self) -> Sequence[ListedObject]:
        self._asked("list")
        return [ListedObject(name, len(data), "") for name, data in self._store.listing().items()]

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        self._asked(f"get {name}")
        data = self._store.files.get(name)
        if data is None:
            raise MissingError("gone")
        if self._store.may(5):
            write(data[: self._store.chance.randrange(len(data) + 1)])
            if self._store.may(50):
                raise TransientError("cut while it was read")
            return  # and nobody noticed
        write(data)

    def put(self, name: str, path: str) -> None:
        self._asked(f"put {name}")
        with open(path, "rb") as file:
            data = file.read()
        if self._store.may(8):
            part = data[: self._store.chance.randrange(len(data) + 1)]
            self._store.change(lambda: self._store.files.__setitem__(name, part))
            raise self._store.chance.choice([TransientError("cut while it was written"), Cut()])
        self._store.change(lambda: self._store.files.__setitem__(name, data))
        if self._store.may(5):
            raise TransientError("written, but the answer was lost")

    def delete(self, name: str) -> None:
        self._asked(f"delete {name}")
        self._store.change(lambda: self._store.files.pop(name, None))
