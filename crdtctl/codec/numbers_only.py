"""Lines of numbers only, decoded and checked by msgspec in one go. Importing this takes longer than a command."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from crdtctl.codec.layout import MAX_SAFE
from crdtctl.crdt import KINDS
from crdtctl.crdt.counter import Numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import ItemsView

    from crdtctl.crdt.counter import Counter

_Seq = Annotated[int, msgspec.Meta(ge=1, le=MAX_SAFE)]
_Nat = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE)]
_NumbersOnly = msgspec.defstruct(
    "_NumbersOnly",
    [
        (tag, dict[str, tuple[(_Seq, *[_Nat] * (kind.record.required - 1))]] | msgspec.UnsetType, msgspec.UNSET)  # type: ignore[misc]
        for tag, kind in KINDS.items()
        if kind.record.plain
    ],
    forbid_unknown_fields=True,
)
_decoder = msgspec.json.Decoder(dict[str, _NumbersOnly])  # type: ignore[valid-type]
_TAGS = tuple(sorted(_NumbersOnly.__struct_fields__))


def decode(text: bytes) -> tuple[str, Counter]:
    """Return the name and the entries of the only counter in `text`; raise `ValueError` if not all are numbers."""
    ((name, struct),) = _decoded(text)
    return name, _counter(struct)


def decode_several(text: bytes) -> list[tuple[str, Counter]]:
    """Return the names and the entries of all counters in `text`; raise `ValueError` if not all are numbers."""
    return [(name, _counter(struct)) for name, struct in _decoded(text)]


def _decoded(text: bytes) -> ItemsView[str, Any]:
    try:
        counters: dict[str, Any] = _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    return counters.items()


def _counter(struct: Any) -> Counter:
    counter = Numbers()
    for tag in _TAGS:
        authors = getattr(struct, tag)
        if authors is not msgspec.UNSET:
            counter[tag] = authors
    return counter
