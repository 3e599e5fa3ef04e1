"""The relation of one clock to another."""

from __future__ import annotations

from enum import StrEnum


class Order(StrEnum):
    """The relation of one clock to another."""

    EQUAL = "equal"
    BEHIND = "behind"
    AHEAD = "ahead"
    CONCURRENT = "concurrent"
