"""The header: the first line of a file, as data."""

from __future__ import annotations

from itertools import pairwise
from sys import intern

from crdtctl import json_text
from crdtctl.codec.clock import clock_from_tree, in_order
from crdtctl.codec.invalid import VERSION, Invalid, newer_version
from crdtctl.codec.layout import HEAD_END, MAX_SAFE
from crdtctl.codec.values import checked_name
from crdtctl.crdt import histories
from crdtctl.crdt.base import MAX_TIER
from crdtctl.crdt.names import replica_fault
from crdtctl.joiners import is_printable
from crdtctl.records import NamedTuple, Record, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from crdtctl.crdt.clock import Clock

    FileKind = Literal["state", "delta", "own", "known", "recent"]
else:  # for modules whose annotations are evaluated
    FileKind = str

FILE_KINDS: tuple[FileKind, ...] = ("state", "delta", "own", "known", "recent")

_REQUIRED = frozenset({"crdtctl", "kind", "replica", "clock"})
#: Every kind of file may have this field. It stands before the clock, so that it is found without reading that.
_PERIODS = "periods"
_OPTIONAL = ("settled", "received", "receipts", "past", "unheard", "tier", "binding", "witness", "follows", "last")
#: Fields that every kind may have.
_ALL = frozenset({_PERIODS, "tags", "received"})
#: Kind → the fields that its header must have, and those that it may have.
_FIELDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "state": (_REQUIRED, _ALL | {"settled"}),
    "delta": (_REQUIRED | {"since"}, _ALL | {"settled"}),
    "known": (_REQUIRED | {"heard"}, _ALL | {"settled", "receipts", "past", "unheard"}),
    "own": (_REQUIRED, _ALL | {"base", "tier", "binding", "witness", "follows", "last"}),
    "recent": (_REQUIRED | {"base"}, _ALL | {"tier", "binding", "witness", "follows", "last"}),
}


#: Fields that most headers do not have. They are shared, because there may be a header for each of many files.
_EMPTY: dict[str, Any] = {}


class FormerId(NamedTuple):
    """An earlier id of a replica: the number of its last commit, the reason of its end, and the time (UTC)."""

    replica: str
    seq: int
    why: str
    when: str


class Head(Record):
    """The header of a file. The specification in `crdtctl.codec` describes the fields; `histories` is `tags` there."""

    kind: FileKind
    replica: str
    clock: Clock
    since: Clock = field(default_factory=dict)
    heard: Mapping[str, str] = field(default_factory=dict)
    histories: Mapping[str, str] = field(default_factory=dict)
    settled: tuple[str, ...] = ()
    received: Clock = field(default_factory=dict)
    receipts: Mapping[str, Clock] = field(default_factory=dict)
    past: tuple[FormerId, ...] = ()
    unheard: Mapping[str, int] = field(default_factory=dict)
    tier: int = 0
    binding: str = ""
    witness: str = ""
    follows: Mapping[str, str] = field(default_factory=dict)
    last: tuple[str, ...] = ()
    base: str = ""
    periods: bool = False


def encode_head(head: Head) -> bytes:
    """Return the first line up to, and without, its ``"counters"``."""
    return json_text.encode(head_to_tree(head))[:-1]


def head_to_tree(head: Head) -> dict[str, Any]:
    """Return the header as a JSON object, its fields in their order."""
    tree: dict[str, Any] = {"crdtctl": VERSION, "kind": head.kind}
    if head.base:
        tree["base"] = head.base
    tree["replica"] = head.replica
    if head.periods:
        tree[_PERIODS] = 1
    tree["clock"] = in_order(head.clock)
    if head.histories:
        tree["tags"] = dict(sorted(head.histories.items()))
    if head.kind == "delta":
        tree["since"] = dict(sorted(head.since.items()))
    if head.kind == "known":
        tree["heard"] = dict(sorted(head.heard.items()))
    for name in _OPTIONAL:
        value = getattr(head, name)
        if value:
            tree[name] = _sorted(value) if isinstance(value, dict) else value
    return tree


def _sorted(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _sorted(tree[key]) if isinstance(tree[key], dict) else tree[key] for key in sorted(tree)}


#: The large headers that were decoded last. A command reads that of ``known.json`` several times.
_recent: dict[bytes, Head] = {}
_MOST_RECENT = 2
#: Sizes in bytes of the headers among them.
_LARGE = range(2**12, 2**20)


def decode_head(line: bytes) -> Head:
    """Return the header on a canonical first line, which ends with its line feed; raise `Invalid`."""
    if len(line) not in _LARGE:
        return _decoded(line)
    if (head := _recent.get(line)) is None:
        head = _decoded(line)
        if len(_recent) >= _MOST_RECENT:
            _recent.clear()
        _recent[line] = head
    return head


def _decoded(line: bytes) -> Head:
    if not line.endswith(HEAD_END):
        raise Invalid("it does not begin with the header of a state")
    start = line[: -len(HEAD_END)]
    try:
        tree = json_text.decode(start + b"}")
    except ValueError as error:
        raise Invalid(f"its header is not JSON: {error}") from None
    head = head_from_tree(tree)
    if encode_head(head) != start:
        raise Invalid("its header is not canonical")
    return head


def head_from_tree(tree: Any) -> Head:
    """Return the header that a decoded JSON object holds; raise `Invalid`."""
    if not isinstance(tree, dict) or "crdtctl" not in tree:
        raise Invalid("it is not a state of crdtctl")
    version = tree["crdtctl"]
    if type(version) is not int or version != VERSION:
        raise newer_version(version)
    kind = tree.get("kind")
    if kind not in tuple(_FIELDS):
        raise Invalid("its kind must be state, delta, own, known or recent")
    required, optional = _FIELDS[kind]
    if not required <= set(tree) <= required | optional:
        raise Invalid("its header has a missing or an unknown field")
    if not all(tree[name] for name in optional & set(tree)):
        raise Invalid("a field of its header is empty, and must be omitted then")
    clock = clock_from_tree(tree["clock"])
    return Head(
        kind=kind,
        replica=intern(checked_name(tree["replica"], replica_fault)),
        clock=clock,
        since=clock_from_tree(tree.get("since", _EMPTY)),
        heard=_heard(tree["heard"]) if "heard" in tree else _EMPTY,
        histories=_histories(tree.get("tags", _EMPTY), clock),
        settled=_settled(tree.get("settled", [])),
        received=clock_from_tree(tree.get("received", _EMPTY)),
        receipts=_receipts(tree.get("receipts", _EMPTY)),
        past=_past(tree.get("past", [])),
        unheard=_unheard(tree["unheard"]) if "unheard" in tree else _EMPTY,
        tier=_tier(tree.get("tier", 0)),
        binding=_text(tree.get("binding", "")),
        witness=_text(tree.get("witness", "")),
        follows=_follows(tree.get("follows", _EMPTY)),
        last=_last(tree.get("last", [])),
        base=_base(kind, tree.get("base", "")),
        periods=_periods(tree.get(_PERIODS)),
    )


def _periods(value: Any) -> bool:
    if value is not None and (type(value) is not int or value != 1):
        raise Invalid("field 'periods' of its header is malformed")
    return value is not None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise Invalid("a text in its header is not printable")
    return value


def _tier(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_TIER:
        raise Invalid(f"its tier must be a whole number up to {MAX_TIER}")
    return value


def _heard(tree: Any) -> dict[str, str]:
    if not isinstance(tree, dict):
        raise Invalid("field 'heard' of its header is malformed")
    return {checked_name(author, replica_fault): _text(when) for author, when in tree.items()}


def _follows(tree: Any) -> dict[str, str]:
    if not isinstance(tree, dict) or not all(map(_text, tree)) or not all(map(_is_position, tree.values())):
        raise Invalid("field 'follows' of its header is malformed")
    return tree


def _last(tree: Any) -> tuple[str, ...]:
    if not isinstance(tree, list) or not all(map(_is_effect, tree)):
        raise Invalid("field 'last' of its header is malformed")
    return tuple(tree)


def _is_effect(text: Any) -> bool:
    """Return whether a value is a text that may have the name of a counter: names may have joiners."""
    return isinstance(text, str) and text != "" and is_printable(text)


def _base(kind: str, value: Any) -> str:
    text = _text(value).encode()
    if not text and kind != "recent":
        return ""
    from crdtctl.codec.plain import is_nonce, read_base  # only here, and below: few headers have these fields

    if kind == "recent":
        try:
            read_base(text)
        except ValueError:
            raise Invalid("field 'base' of its header is malformed") from None
    elif not is_nonce(text):
        raise Invalid("field 'base' of its header is malformed")
    return text.decode()


def _is_position(value: object) -> bool:
    from crdtctl.codec.plain import is_position

    return isinstance(value, str) and value.isascii() and is_position(value.encode())


def _histories(tree: Any, clock: Clock) -> dict[str, str]:
    if not isinstance(tree, dict) or not tree.keys() <= clock.keys():
        raise Invalid("its export markers belong to a replica that is not in its clock")
    for author, text in tree.items():
        try:
            if histories.parse(_text(text)).exported > clock[author]:
                raise Invalid("an export marker is newer than the clock")
        except ValueError as reason:
            raise Invalid(f"its export markers are malformed: {reason}") from None
    return {intern(author): text for author, text in tree.items()} if tree else _EMPTY


def _settled(tree: Any) -> tuple[str, ...]:
    if not isinstance(tree, list):
        raise Invalid("field 'settled' of its header is malformed")
    found = tuple(checked_name(replica, replica_fault) for replica in tree)
    if any(a >= b for a, b in pairwise(found)):
        raise Invalid("field 'settled' of its header is not sorted, or has repeated ids")
    return found


def _receipts(tree: Any) -> Mapping[str, Clock]:
    if not isinstance(tree, dict) or not all(tree.values()):
        raise Invalid("field 'receipts' of its header is malformed")
    return {checked_name(author, replica_fault): clock_from_tree(part) for author, part in tree.items()}


def _past(tree: Any) -> tuple[FormerId, ...]:
    if not isinstance(tree, list) or not all(isinstance(row, list) and len(row) == 4 for row in tree):
        raise Invalid("field 'past' of its header is malformed")
    found = []
    for replica, seq, why, when in tree:
        if type(seq) is not int or not 0 <= seq <= MAX_SAFE:
            raise Invalid("field 'past' of its header is malformed")
        found.append(FormerId(checked_name(replica, replica_fault), seq, _text(why), _text(when)))
    return tuple(found)


def _unheard(tree: Any) -> dict[str, int]:
    if not isinstance(tree, dict) or not all(type(n) is int and 0 <= n <= MAX_SAFE for n in tree.values()):
        raise Invalid("field 'unheard' of its header is malformed")
    return {checked_name(replica, replica_fault): count for replica, count in tree.items()}
