"""HyperLogLog sketches estimate the number of distinct elements within a few per cent, in a few thousand characters.

Source: P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
estimation algorithm", AofA 2007. An element is hashed to 64 bits. With *precision* p, the first p bits choose one of
m = 2^p registers, and the *rank* is the number of leading zeros of the remaining bits, plus 1. A register keeps the
largest rank of its elements. The relative standard error of the estimate is 1.04/√m.

A sketch is a text, and every sketch has exactly one text: ``HASH PRECISION REGISTERS``. The hash is named because
sketches with different hashes can never be joined. Letters represent the numbers below 64, in the order of ASCII. A
dense sketch has one letter for each register, its rank (``-``: empty). If that is shorter, the sketch is sparse: it
lists only the registers that are not empty, in order, each as `_width` letters for 64 × its number + its rank. So a
sketch in memory is never larger than in its file.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator
    from typing import Final
else:
    from crdtctl import patterns as re

#: The hash function: BLAKE2b (RFC 7693) of the element's UTF-8, of 8 bytes, without a key; as a number, big end first.
HASH: Final = "blake2b"
MIN_PRECISION: Final = 4
MAX_PRECISION: Final = 16
#: A standard error of 1.6 % in 4 KB.
DEFAULT_PRECISION: Final = 12
#: The empty sketch without a precision: neutral in a join, and never written.
EMPTY: Final = ""

_BITS = 64
_LETTERS = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_TO_LETTER = _LETTERS + bytes(256 - len(_LETTERS))
_NO_LETTER = 255
_TO_NUMBER = bytes(_LETTERS.find(byte) % 256 for byte in range(256))
_ONE_MORE = bytes(rank and (rank + 1) % 256 for rank in range(256))
_ONE = bytes(rank and 1 for rank in range(256))
_HEADS = {f"{HASH} {p}": p for p in range(MIN_PRECISION, MAX_PRECISION + 1)}


def sketch(precision: int, elements: Iterable[bytes]) -> str:
    """Return the sketch of elements, each as UTF-8."""
    registers = bytearray(1 << precision)
    observe(registers, elements)
    return text(registers)


def observe(registers: bytearray, elements: Iterable[bytes]) -> None:
    """Add elements, each as UTF-8, to registers (2^p ranks)."""
    from hashlib import blake2b  # takes 2 ms to import, and most commands do not need it
    from struct import unpack  # only here, as other modules below: every command imports this one

    shift = _BITS + 1 - len(registers).bit_length()
    rest = (1 << shift) - 1
    first = shift + 1
    begin = blake2b(digest_size=8).copy  # a copy takes a third less time than a new hash
    hashes = []
    for element in elements:
        hashed = begin()
        hashed.update(element)
        hashes.append(hashed.digest())
    for number in unpack(f">{len(hashes)}Q", b"".join(hashes)):
        rank = first - (number & rest).bit_length()
        if rank > registers[number >> shift]:
            registers[number >> shift] = rank


def text(registers: bytes | bytearray) -> str:
    """Return the sketch with these registers (2^p ranks)."""
    precision = len(registers).bit_length() - 1
    if _is_dense(precision, len(registers) - registers.count(0)):
        return f"{HASH} {precision} {registers.translate(_TO_LETTER).decode()}"
    return _sparsely(precision, {index: rank for index, rank in enumerate(registers) if rank})


def fault(sketch: str) -> str | None:
    """Return the fault of a text as a sketch, or None. Time and memory are bounded by the length of the text."""
    head, _, body = sketch.rpartition(" ")
    precision = _HEADS.get(head)
    if precision is None:
        return "unknown hash function or precision of a sketch"
    if not body:
        return None  # a small file may hold very many of these
    width, size = _width(precision), 1 << precision
    if len(body) > size or not body.isascii():
        return "a sketch is too long, or contains a foreign letter"
    is_dense = len(body) == size
    numbers = body.encode().translate(_TO_NUMBER)
    ranks = numbers if is_dense else numbers[width - 1 :: width]
    if max(numbers) == _NO_LETTER or max(ranks, default=0) > _BITS + 1 - precision:
        return "a sketch contains a foreign letter or an impossible rank"
    if is_dense:
        return None if _is_dense(precision, size - numbers.count(0)) else "a sketch is not in its shorter form"
    if len(body) % width or _is_dense(precision, len(ranks)) or 0 in ranks:
        return "a sketch has a wrong length, is not in its shorter form, or lists an empty register"
    from itertools import islice
    from operator import ge

    indices = _indices(width).findall(body)
    if any(map(ge, indices, islice(indices, 1, None))) or _number(indices[-1].encode()) >= size:
        return "the registers of a sketch are not sorted, or one does not exist"
    return None


def precision(sketch: str) -> int:
    """Return the precision of a sketch."""
    return _HEADS[sketch.rpartition(" ")[0]]


def join(sketches: Iterable[str]) -> str:
    """Return the sketch of the elements of all sketches, in the lowest of their precisions; `EMPTY` for an empty list.

    The sketch of a lower precision follows exactly from one of a higher precision.
    """
    sketches = list(filter(None, sketches))
    if not sketches:
        return EMPTY
    least = min(map(precision, sketches))
    registers = b""
    cells: dict[int, int] = {}
    for one in sketches:
        found, body = precision(one), one.rpartition(" ")[2].encode().translate(_TO_NUMBER)
        if len(body) < 1 << found:
            _put(cells, _sparse(found, body), found - least)
        else:
            folded = _folded(body, found - least)
            registers = _larger(registers, folded) if registers else folded
    if not registers and not _is_dense(least, len(cells)):
        return _sparsely(least, cells)
    together = bytearray(registers or 1 << least)
    for index, rank in cells.items():
        if rank > together[index]:
            together[index] = rank
    return text(together)


def beyond(whole: str, part: str) -> str:
    """Return a sketch with only those registers of `whole` that exceed the ones of `part`, a part of it.

    The result and the part together are the whole.
    """
    if whole == EMPTY:
        return EMPTY
    least = precision(whole)
    less = _registers(join([part, sketch(least, ())]))
    return text(bytes([a if a > b else 0 for a, b in zip(_registers(whole), less, strict=True)]))


def _registers(sketch: str) -> bytes:
    """Return the registers of a sketch, 2^p ranks."""
    found, body = precision(sketch), sketch.rpartition(" ")[2].encode().translate(_TO_NUMBER)
    if len(body) == 1 << found:
        return body
    registers = bytearray(1 << found)
    for index, rank in _sparse(found, body):
        registers[index] = rank
    return bytes(registers)


def estimate(sketch: str) -> int:
    """Return the estimated number of distinct elements of a sketch.

    Source: O. Ertl, "New cardinality estimation algorithms for HyperLogLog sketches", arXiv 1702.01284, 2017, algorithm
    6 (improved raw estimator): no tables, no bias from 0 to 2^64.
    """
    if sketch == EMPTY:
        return 0
    from math import log

    found, body = precision(sketch), sketch.rpartition(" ")[2].encode()
    size, width, ranks = 1 << found, _width(found), body.translate(_TO_NUMBER)
    if len(ranks) < size:
        ranks = ranks[width - 1 :: width]
    largest = _BITS + 1 - found
    counts = [ranks.count(rank) for rank in range(1, largest + 1)]
    z = size * _tau(1 - counts[-1] / size)
    for count in reversed(counts[:-1]):
        z = 0.5 * (z + count)
    z += size * _sigma(1 - sum(counts) / size)
    return min(round(size * size / (2 * log(2) * z)), 1 << _BITS) if z else 1 << _BITS


def standard_error(precision: int) -> float:
    """Return the relative standard error of estimates with a precision."""
    from math import sqrt

    return 1.04 / sqrt(1 << precision)


def _sigma(x: float) -> float:
    """Return x + Σ x^(2^k) · 2^(k−1) over k ≥ 1."""
    if x == 1:
        return float("inf")
    power, total, before = 1.0, x, -1.0
    while total != before:
        x *= x
        before = total
        total += x * power
        power += power
    return total


def _tau(x: float) -> float:
    """Return (1 − x − Σ (1 − x^(2^−k))² · 2^−k over k ≥ 1) / 3."""
    if x in (0, 1):
        return 0.0
    from math import sqrt

    power, total, before = 1.0, 1 - x, -1.0
    while total != before:
        x = sqrt(x)
        before = total
        power *= 0.5
        total -= (1 - x) * (1 - x) * power
    return total / 3


def _width(precision: int) -> int:
    """Return the number of letters for one register of a sparse sketch."""
    return (precision + 11) // 6


#: Width of a register → the pattern of all but its last letter.
_patterns: dict[int, re.Pattern[str]] = {}


def _indices(width: int) -> re.Pattern[str]:
    if width not in _patterns:
        _patterns[width] = re.compile(f"(.{{{width - 1}}}).")
    return _patterns[width]


def _number(letters: bytes) -> int:
    number = 0
    for digit in letters.translate(_TO_NUMBER):
        number = number * 64 + digit
    return number


def _is_dense(precision: int, used: int) -> bool:
    """Return whether a sketch with `used` registers is dense."""
    return _width(precision) * used >= 1 << precision


def _sparsely(precision: int, cells: dict[int, int]) -> str:
    numbers = bytearray()
    for index, rank in sorted(cells.items()):
        numbers += bytes([index >> 6 * place & 63 for place in range(_width(precision) - 2, -1, -1)])
        numbers.append(rank)
    return f"{HASH} {precision} {numbers.translate(_TO_LETTER).decode()}"


def _sparse(precision: int, numbers: bytes) -> Iterator[tuple[int, int]]:
    """Yield the numbers and ranks of the registers in a sparse sketch."""
    for cell in zip(*[iter(numbers)] * _width(precision), strict=True):
        index = 0
        for digit in cell[:-1]:
            index = index * 64 + digit
        yield index, cell[-1]


# In a lower precision, the last bits of a register's number become the first ones of the remaining bits, whose leading
# zeros determine the rank.


def _put(cells: dict[int, int], found: Iterable[tuple[int, int]], less: int) -> None:
    """Put the registers `found` into `cells`, whose precision is lower by `less`."""
    for index, rank in found:
        low = index & ((1 << less) - 1)
        index >>= less
        rank = less + 1 - low.bit_length() if low else less + rank
        if rank > cells.get(index, 0):
            cells[index] = rank


def _folded(registers: bytes, less: int) -> bytes:
    """Return the registers in a precision that is lower by `less`."""
    for _ in range(less):
        registers = _larger(registers[0::2].translate(_ONE_MORE), registers[1::2].translate(_ONE))
    return registers


def _larger(a: bytes, b: bytes) -> bytes:
    """Return the larger of each two bytes, all below 128, by arithmetic on two large numbers.

    The topmost bit of each byte of `differences` is set if the byte in `a` is at least the one in `b`.
    """
    x, y, size = int.from_bytes(a), int.from_bytes(b), len(a)
    top = int.from_bytes(b"\x80" * size)
    differences = ((x | top) - y) & top
    of_a = differences - (differences >> 7)
    return (y ^ ((x ^ y) & of_a)).to_bytes(size)
