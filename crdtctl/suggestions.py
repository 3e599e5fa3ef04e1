"""Suggestions of known words for an unknown one.

A suggestion is made only where it is likely to be right: one edit away, or the beginning of the word. A wrong
suggestion is worse than none.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: Words shorter than this are one edit away from too many others.
_SHORTEST = 3
_MOST = 3


def is_one_edit(word: str, other: str) -> bool:
    """Return whether one letter more, less, changed or swapped with the next makes `other` of `word`.

    >>> is_one_edit("bulids", "builds"), is_one_edit("build", "builds"), is_one_edit("sale", "seal")
    (True, True, False)
    """
    if abs(len(word) - len(other)) > 1 or word == other:
        return False
    short, long = sorted((word, other), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return short[at + 1 :] == long[at + 1 :] or swapped


def near(word: str, known: Iterable[str]) -> list[str]:
    """Return the known words, at most three, that `word` was probably meant to be; the likeliest are first."""
    plain = word.casefold()
    ranks: list[tuple[int, str]] = []
    for one in known:
        other = one.casefold()
        if other == plain:
            ranks.append((0, one))
        elif min(len(plain), len(other)) >= _SHORTEST and is_one_edit(plain, other):
            ranks.append((1, one))
        elif len(plain) >= _SHORTEST and other.startswith(plain):
            ranks.append((2, one))
    best = [one for _, one in sorted(ranks)]
    return best if len(best) <= _MOST else [one for rank, one in sorted(ranks) if rank < 2][:_MOST]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the question whether one of the known words was meant, or '' if none is near."""
    found = [f"'{one}'" for one in near(word, known)]
    if not found:
        return ""
    return f"did you mean {found[0] if len(found) == 1 else ', '.join(found[:-1]) + ' or ' + found[-1]}?"
