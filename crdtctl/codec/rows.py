"""Rows of totals, decoded and checked by msgspec, many at a time. Importing this takes longer than a command."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec

from crdtctl.codec.layout import MAX_SAFE

_Seq = Annotated[int, msgspec.Meta(ge=1, le=MAX_SAFE)]
_Nat = Annotated[int, msgspec.Meta(ge=0, le=MAX_SAFE)]
#: Type → decoder of an array of its entries without optional items.
ROWS: Final[dict[bytes, msgspec.json.Decoder[Any]]] = {
    b"pncounter": msgspec.json.Decoder(list[tuple[_Seq, _Nat, _Nat]]),
    b"gcounter": msgspec.json.Decoder(list[tuple[_Seq, _Nat]]),
}
encode_rows = msgspec.json.Encoder().encode
