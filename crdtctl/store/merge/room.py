"""How many inputs may be open at once, or be joined in one group."""

from __future__ import annotations

from crdtctl.store.merge import limits


class Room:
    """Room for inputs: for a few large ones, which are files, and for many small ones, which are in memory."""

    def __init__(self) -> None:
        self._files = self._small = self._bytes = 0

    def takes(self, size: int, *, in_memory: bool) -> bool:
        """Return whether there is room for another input of `size` bytes; if so, it is in."""
        if not in_memory:
            self._files += 1
            return self._files <= limits.GROUP_SIZE
        self._small += 1
        self._bytes += size
        return self._small <= limits.GROUP_SMALL and self._bytes <= limits.GROUP_BYTES
