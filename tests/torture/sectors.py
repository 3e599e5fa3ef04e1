"""The content of a disk after a power cut: any sector written since the last flush may be missing."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

from tests.torture.recorder import Write

SIZE = 512
_NOTHING = bytes(SIZE)

#: Number of the sector → what it holds, if that is not zeros.
Sectors = dict[int, bytes]


def read(image: Path) -> Sectors:
    """Return the content of a disk."""
    found: Sectors = {}
    with image.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        at = 0
        while at < end:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA) // SIZE * SIZE
            except OSError:  # no more data
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            data = os.pread(file.fileno(), at - start, start)
            found.update(_parts(Write(start, data)))
    return {number: sector for number, sector in found.items() if sector != _NOTHING}


def write(sectors: Sectors, size: int, image: Path) -> None:
    """Make a new file of `size` bytes with only this content. Readers of the old file are not disturbed."""
    image.unlink(missing_ok=True)
    with image.open("wb") as file:
        file.truncate(size)
        for number, sector in sectors.items():
            os.pwrite(file.fileno(), sector, number * SIZE)


def _parts(write: Write) -> Iterator[tuple[int, bytes]]:
    for at in range(0, len(write.data), SIZE):
        yield (write.offset + at) // SIZE, write.data[at : at + SIZE]


class Platter:
    """A disk that is written to, entry by entry of a log."""

    def __init__(self, sectors: Sectors) -> None:
        self.flushed = dict(sectors)
        self.written = dict(sectors)
        self.pending: dict[int, list[bytes]] = {}

    def take(self, entry: Write | None) -> None:
        """Write or flush."""
        if entry is None:
            self.flushed.update((number, versions[-1]) for number, versions in self.pending.items())
            self.pending.clear()
            return
        for number, sector in _parts(entry):
            self.written[number] = sector
            self.pending.setdefault(number, []).append(sector)

    def torn(self, chance: random.Random) -> Sectors:
        """Return the possible content after a power cut now: of each unflushed sector, any version since the flush."""
        kept = chance.random()  # some cuts lose nearly all, some nearly nothing
        torn = dict(self.flushed)
        for number, versions in self.pending.items():
            if chance.random() < kept:
                torn[number] = chance.choice(versions)
        return torn
