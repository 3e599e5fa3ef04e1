"""Values that a tape of bytes chooses.

Hypothesis draws bytes many times as quickly as it draws from nested strategies, and shrinks them as well: a tape that
is shorter, or of smaller bytes, chooses smaller values.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from hypothesis import strategies as st

T = TypeVar("T")


class Tape:
    """Bytes, read one after the other. Behind the last one there are zeros."""

    def __init__(self, data: bytes) -> None:
        self._bytes: Iterator[int] = iter(data)

    def byte(self) -> int:
        return next(self._bytes, 0)

    def below(self, size: int) -> int:
        """Return a number below `size`, which is at most 65,536."""
        return (self.byte() if size <= 256 else self.byte() * 256 + self.byte()) % size

    def choose(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def some(self, choices: Sequence[T], most: int) -> list[T]:
        """Return at most `most` choices, none of them twice, in their order."""
        chosen = {self.below(len(choices)) for _ in range(self.below(most + 1))}
        return [choices[index] for index in sorted(chosen)]


@st.composite
def from_tape(draw: st.DrawFn, make: Callable[[Tape], T], size: int) -> T:
    """Return what is made from a tape of `size` bytes. A failure shows that, and not the tape."""
    return make(Tape(draw(st.binary(min_size=size, max_size=size))))
