"""JSON as text: for little data with the scanner of Python, for much data with msgspec, which takes longer to import.

Both ways read and write the same. The light way takes no risk: a text with an escaped character, a large
number or any error is read again by msgspec. Data is made of objects, arrays, texts, numbers, ``true``,
``false`` and ``null``.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The number of bytes that a process reads and writes in the light way. For more, importing msgspec saves time.
LITTLE = 2**20
#: Maximum number of digits of a number that is read in the light way.
_DIGITS = 16

#: The number of bytes that are left to the light way.
_left = LITTLE
_scan: "Callable[[str, int], tuple[Any, int]] | None" = None
_heavy_decode: "Callable[[bytes], Any] | None" = None
#: Whether keys are sorted → the encoder.
_light_encode: "dict[bool, Callable[[Any, int], tuple[str, ...]]]" = {}
_heavy_encode: "dict[bool, Callable[[Any], bytes]]" = {}


class _Unsure(ValueError):
    """Something that only msgspec reads or writes."""


def _refuse(*_: object) -> object:
    raise _Unsure


def _whole(digits: str) -> int:
    if len(digits) > _DIGITS or digits[0] == "-":
        raise _Unsure
    return int(digits)


class _Rules:
    """The settings of the scanner of Python."""

    strict = True
    object_hook = object_pairs_hook = None
    parse_float = parse_constant = _refuse
    parse_int = _whole


def is_much(size: int = 0) -> bool:
    """Add `size` bytes to the amount of text so far; return whether it is large enough for msgspec."""
    global _left
    _left -= size
    return _left < 0


def use(little: int) -> None:
    """Let the light way read and write `little` more bytes: 0 for none."""
    global _left
    _left = little - (little == 0)


def decode(data: bytes, *, alone: bool = False) -> "Any":
    """Return the data in a text, as UTF-8; raise `ValueError`. Of two equal keys, the last is taken.

    A text that is `alone`, and not one of many, is read in the light way whatever its size.
    """
    if (alone or not is_much(len(data))) and b"\\u" not in data:
        try:
            text = data.decode()
            found, end = (_scan or _light_scanner())(text, 0)
        except (ValueError, StopIteration, RecursionError, ImportError, SystemError):
            pass  # without `json` in memory, the scanner has no exception for a faulty text, which is a SystemError
        else:
            if end == len(text) or not text[end:].strip(" \t\n\r"):
                return found
    from msgspec import DecodeError

    try:
        return (_heavy_decode or _heavy_decoder())(data)
    except (DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def encode(value: "Any", *, ordered: bool = False, alone: bool = False) -> bytes:
    """Return data as text, in UTF-8, without white space; `ordered`: with the keys of each object sorted.

    Data that is `alone`, and not a part of much, is written in the light way whatever its size.

    If msgspec is used, raise `OverflowError` for a number above 2^64.
    """
    if alone or _left >= 0:
        try:
            if type(value) is dict and any(type(part) is float for part in value.values()):
                raise _Unsure  # each writes a float in its own way
            text = "".join((_light_encode.get(ordered) or _light_encoder(ordered))(value, 0)).encode()
        except (TypeError, ValueError, RecursionError, ImportError):
            pass
        else:
            is_much(0 if alone else len(text))
            return text
    return (_heavy_encode.get(ordered) or _heavy_encoder(ordered))(value)


def _light_scanner() -> "Callable[[str, int], tuple[Any, int]]":
    global _scan
    from _json import make_scanner

    _scan = make_scanner(_Rules)  # type: ignore[arg-type]
    return _scan


def _light_encoder(ordered: bool) -> "Callable[[Any, int], tuple[str, ...]]":
    from _json import encode_basestring, make_encoder

    made: Callable[[Any, int], tuple[str, ...]]
    made = _light_encode[ordered] = make_encoder(
        None, _refuse, encode_basestring, None, ":", ",", ordered, False, False
    )
    return made


def _heavy_decoder() -> "Callable[[bytes], Any]":
    global _heavy_decode
    from msgspec.json import Decoder

    _heavy_decode = Decoder().decode
    return _heavy_decode


def _heavy_encoder(ordered: bool) -> "Callable[[Any], bytes]":
    from msgspec.json import Encoder

    made = _heavy_encode[ordered] = Encoder(order="sorted" if ordered else None).encode
    return made
