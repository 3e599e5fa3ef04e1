"""The settings in an entry that a new counter of the same name takes."""

from collections.abc import Mapping
from typing import Any

import pytest

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Operation, OperationContext

#: Type, fields of ``create`` → the settings in the entry.
CREATED: list[tuple[str, Mapping[str, Any]]] = [
    ("gcounter", {}),
    ("gcounter", {"every": 1}),
    ("pncounter", {"every": 1, "keep": 96}),
    ("pncounter", {}),
    ("gset", {}),
    ("hll", {"precision": 12}),
    ("hist", {"level": "a"}),
]


@pytest.mark.parametrize(("tag", "fields"), CREATED)
def test_settings_of_an_entry_are_those_of_its_creation(tag: str, fields: Mapping[str, Any]) -> None:
    kind = TYPES[tag]
    made = kind.apply(None, Operation("create", **fields), OperationContext("a", 1))
    assert made is not None
    assert kind.settings_of(made) == fields


def test_entry_that_was_not_created_has_no_settings() -> None:
    for tag in ("hll", "hist"):
        assert TYPES[tag].settings_of(TYPES[tag].record.bottom) == {}
