"""Patterns for names: ``*`` is any text, ``?`` any character, and ``[…]`` one of the characters in it, as in shells.

``[!…]`` and ``[^…]`` are all other characters; ``[`` without an end means itself.

A pattern is matched as an automaton whose states are the bits of one number: bit i is set if the text so far may be the
first i characters of the pattern, not counting stars. So the time is that of reading the text once, whatever the stars.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    #: What matches one character: itself, None for any, or (whether they are excluded, ranges).
    One: TypeAlias = "str | tuple[bool, list[tuple[str, str]]] | None"

_SPECIAL = "*?["


def quoted(text: str) -> str:
    """Return a pattern that matches a text alone."""
    return "".join([f"[{character}]" if character in _SPECIAL else character for character in text])


class Glob:
    """A pattern, read once.

    >>> tests = Glob("tests.*")
    >>> tests.matches("tests.failed"), tests.matches("builds"), tests.prefix
    (True, False, 'tests.')
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        ones: list[One] = []
        stars = at = 0
        while at < len(pattern):
            if pattern[at] == "*":
                stars |= 1 << len(ones)
                at += 1
            else:
                one, at = _next(pattern, at)
                ones.append(one)
        plain = 0
        while plain < len(ones) and isinstance(ones[plain], str) and not stars >> plain & 1:
            plain += 1
        #: The text that everything that matches begins with.
        self.prefix = "".join([one for one in ones[:plain] if isinstance(one, str)])
        self._ones = ones[plain:]
        self._stars = stars >> plain
        self._fitting: dict[str, int] = {}

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches the whole text."""
        if not text.startswith(self.prefix):
            return False
        if self._stars == 1 and not self._ones:
            return True
        states, stars, fitting = 1, self._stars, self._fitting
        for character in text[len(self.prefix) :]:
            fits = fitting.get(character)
            if fits is None:
                fits = self._fits(character)
            states = (states & fits) << 1 | states & stars
            if not states:
                return False
        return bool(states >> len(self._ones))

    def _fits(self, character: str) -> int:
        """Return the bits of the places where a character may be; remember them."""
        found = sum(1 << place for place, one in enumerate(self._ones) if _is_one(one, character))
        self._fitting[character] = found
        return found


def _next(pattern: str, at: int) -> tuple[One, int]:
    """Return the part of a pattern at a place without a star, and the place behind it."""
    character = pattern[at]
    if character == "?":
        return None, at + 1
    if character == "[":
        begin = at + 2 if pattern[at + 1 : at + 2] in ("!", "^") else at + 1
        end = pattern.find("]", begin + 1)
        if end > 0:
            return (begin == at + 2, _ranges(pattern[begin:end])), end + 1
    return character, at + 1


def _ranges(text: str) -> list[tuple[str, str]]:
    """Return the ranges of characters in brackets."""
    at, found = 0, []
    while at < len(text):
        is_range = text[at + 1 : at + 2] == "-" and at + 2 < len(text)
        found.append((text[at], text[at + 2] if is_range else text[at]))
        at += 3 if is_range else 1
    return found


def _is_one(one: One, character: str) -> bool:
    if one is None or isinstance(one, str):
        return one in (None, character)
    excluded, ranges = one
    return any(low <= character <= high for low, high in ranges) is not excluded
