"""Sketches made slowly: straight from the definition, and sharing nothing with the program but the hash."""

import string
from collections.abc import Iterable, Mapping
from hashlib import blake2b

from hypothesis import strategies as st

from tests.support.tape import Tape

_PRECISIONS = (4, 4, 5, 6, 7, 8, 12)
LETTERS = sorted("-_" + string.digits + string.ascii_letters)

#: Register → its rank, of those that met something.
Registers = Mapping[int, int]


def registers(precision: int, elements: Iterable[str]) -> dict[int, int]:
    """Return the registers of elements."""
    found: dict[int, int] = {}
    for element in elements:
        bits = f"{int.from_bytes(blake2b(element.encode(), digest_size=8).digest(), 'big'):064b}"
        index, rest = int(bits[:precision], 2), bits[precision:]
        found[index] = max(found.get(index, 0), len(rest) - len(rest.lstrip("0")) + 1)
    return found


def spelt(precision: int, found: Registers) -> str:
    """Return the text of registers: the shorter one of two; where they are equally long, one letter each."""
    digits = 1 + -(-precision // 6)
    cells = []
    for index, rank in sorted(found.items()):
        number, letters = 64 * index + rank, ""
        for _ in range(digits):
            number, digit = divmod(number, 64)
            letters = LETTERS[digit] + letters
        cells.append(letters)
    each = [LETTERS[found.get(index, 0)] for index in range(2**precision)]
    body = min("".join(each), "".join(cells), key=len)
    return f"blake2b {precision} {body}"


def sketch(precision: int, elements: Iterable[str]) -> str:
    """Return the sketch of elements."""
    return spelt(precision, registers(precision, elements))


def ranks(precision: int) -> st.SearchStrategy[dict[int, int]]:
    """Return registers of any kind: few, many, in either spelling, of any rank."""
    size, most = 2**precision, 65 - precision
    some = st.dictionaries(st.integers(0, size - 1), st.integers(1, most), max_size=min(size, 40))
    limit = size // (1 + -(-precision // 6))
    edges = st.builds(
        lambda count, rank: dict.fromkeys(range(size - 1, size - 1 - count, -1), rank),
        st.integers(max(0, limit - 1), min(size, limit + 2)) | st.just(size),
        st.integers(1, most),
    )
    return some | st.builds(lambda a, b: {**a, **b}, edges, some)


def ranks_from(precision: int, tape: Tape) -> dict[int, int]:
    """Return such registers as a tape chooses them."""
    size, most = 2**precision, 65 - precision
    some = {tape.below(size): 1 + tape.below(most) for _ in range(tape.below(min(size, 40)))}
    if tape.below(2) == 0:
        return some
    limit = size // (1 + -(-precision // 6))
    count = tape.choose((*range(max(0, limit - 1), min(size, limit + 2) + 1), size))
    return {**dict.fromkeys(range(size - 1, size - 1 - count, -1), 1 + tape.below(most)), **some}


def sketch_from(tape: Tape) -> str:
    """Return the sketch that a tape chooses, of any precision; large ones are rare, for they take their time."""
    precision = tape.choose(_PRECISIONS)
    return spelt(precision, ranks_from(precision, tape))


#: Sketches of every precision.
PRECISIONS = st.sampled_from(_PRECISIONS)
SKETCHES = PRECISIONS.flatmap(lambda p: ranks(p).map(lambda found: spelt(p, found)))
