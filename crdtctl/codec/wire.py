"""One line ↔ one counter, the header line, and clocks.

A canonical line is accepted only if encoding what was decoded gives the same bytes back: decoders keep the
last of two equal keys without a word, and this refuses that and every other spelling but one.
"""

import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import msgspec

from crdtctl.codec.text import HEAD_END, MAX_SAFE
from crdtctl.crdt import KINDS, NO_COUNTERS, TYPES, forks, sketch
from crdtctl.crdt.base import MAX_DIGITS, MAX_TIER, Contribution
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.lattice import Elements, Fault, Lattice, MapOf, Nat, Record, Registers
from crdtctl.crdt.names import are_plain, replica_fault, stored_counter_fault
from crdtctl.errors import DataError, printable

VERSION = 1

Kind = Literal["state", "delta", "own", "known"]
#: Type → author → contribution, of one name.
Counter: TypeAlias = dict[str, dict[str, Contribution]]

_plain = msgspec.json.Encoder()
_sorted = msgspec.json.Encoder(order="sorted")
_any = msgspec.json.Decoder()


class Past(NamedTuple):
    """An id that a replica had before: the number of its last commit, why it ended, and when (UTC)."""

    replica: str
    seq: int
    why: str
    when: str


@dataclass(frozen=True, slots=True)
class Head:
    """What the first line of a file says."""

    kind: Kind
    replica: str
    clock: Clock
    since: Clock = field(default_factory=dict)
    heard: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    settled: tuple[str, ...] = ()
    past: tuple[Past, ...] = ()
    unheard: Mapping[str, int] = field(default_factory=dict)
    tier: int = 0
    binding: str = ""
    witness: str = ""


class Invalid(DataError):
    """Bytes that are not a valid state: `reason` says why; `where` names the file, once that is known."""

    def __init__(
        self,
        reason: str,
        where: str = "",
        *,
        source: object = None,
        ours: bool = False,
        hint: str = "ask for it to be exported again",
    ) -> None:
        self.reason = reason
        self.source = source
        if not where:
            super().__init__(reason)
        elif ours:
            super().__init__(f"{where} is damaged: {reason}", "see 'crdtctl check'")
        else:
            super().__init__(f"{where} is not a valid state: {reason}", hint)


# Values ------------------------------------------------------------------------------------------------


def to_wire(lattice: Lattice, value: Any) -> Any:
    """Return the JSON value that stands for `value`."""
    match lattice:
        case Nat():
            return value if value <= MAX_SAFE else str(value)
        case Elements() | Registers():
            return value
        case MapOf(part=part):
            return {key: to_wire(part, value[key]) for key in sorted(value)}
        case Record(parts=parts):
            return [to_wire(part, item) for part, item in zip(parts, value, strict=False)]
        case _:  # pragma: no cover - the five lattices are all there are
            raise TypeError(f"{lattice!r} has no wire form")


def _reader(lattice: Lattice) -> Callable[[Any], Any]:
    """Return what turns a JSON value into a value of `lattice`, or raises `Invalid`.

    It is made once for each type: whoever sends a file of many tiny counters decides how often it is called.
    The value may be made of the JSON value, which is not to be used any more.
    """
    match lattice:
        case Nat():
            return _number
        case Elements(fault=fault):
            return lambda value: _elements(value, fault)
        case Registers():
            return _sketch
        case MapOf(fault=fault, part=Nat()):
            return _numbers_reader(fault)
        case MapOf(fault=fault, part=part):
            return _map_reader(fault, _reader(part), part.bottom)
        case Record(parts=parts, required=required):
            return _record_reader([_reader(part) for part in parts], required, [part.bottom for part in parts])
        case _:  # pragma: no cover - the five lattices are all there are
            raise TypeError(f"{lattice!r} has no wire form")


def _map_reader(fault: Fault, read: Callable[[Any], Any], bottom: Any) -> Callable[[Any], Any]:
    def read_map(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Invalid("a map must be an object")
        for key, item in value.items():
            value[_checked(key, fault)] = entry = read(item)
            if entry == bottom:
                raise Invalid("a map holds an entry that says nothing")
        return value

    return read_map


def _numbers_reader(fault: Fault) -> Callable[[Any], Any]:
    """Return what reads a map of numbers: the large ones of sets, without a call for each number and name."""
    read_any = _map_reader(fault, _number, Nat.bottom)

    def read_numbers(value: Any) -> Any:
        if not isinstance(value, dict) or set(map(type, value.values())) != {int}:
            return read_any(value)
        if min(value.values()) < 1 or max(value.values()) > MAX_SAFE:
            return read_any(value)
        if not are_plain(value):
            for key in value:
                _checked(key, fault)
        return value

    return read_numbers


def _record_reader(parts: list[Callable[[Any], Any]], required: int, bottoms: list[Any]) -> Callable[[Any], Any]:
    def read_record(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not required <= len(value) <= len(parts):
            raise Invalid(f"a contribution must be an array of {required} to {len(parts)} items")
        row = tuple([read(item) for read, item in zip(parts, value, strict=False)])
        if len(row) > required and row[-1] == bottoms[len(row) - 1]:
            raise Invalid("a contribution ends with an item that says nothing")
        return row

    return read_record


def _elements(value: Any, fault: Fault) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Invalid("a set must be an array of names")
    for element in value:
        _checked(element, fault)
    if len(value) > 1 and any(map(operator.ge, value, islice(value, 1, None))):
        raise Invalid("the elements of a set are not sorted, or one stands twice")
    return tuple(value)


def _sketch(value: Any) -> str:
    if not isinstance(value, str):
        raise Invalid("a sketch must be a string")
    wrong = sketch.fault(value)
    if wrong:
        raise Invalid(wrong)
    return value


def _number(value: Any) -> int:
    if type(value) is int and 0 <= value <= MAX_SAFE:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        number = int(value)
        if number > MAX_SAFE and value[0] != "0":
            return number
    raise Invalid("a number must be whole, not negative, at most 100 digits, and a string of digits above 2^53-1")


def _checked(text: Any, fault: Fault) -> str:
    if not isinstance(text, str):
        raise Invalid("a name must be a string")
    wrong = fault(text)
    if wrong:
        raise Invalid(f"{wrong}: '{printable(text[:80])}'")
    return text


_READERS = {tag: _reader(kind.record) for tag, kind in KINDS.items()}


# Lines -------------------------------------------------------------------------------------------------

#: Of a longer line, a vain attempt to decode it takes little of the time.
_SHORT = 256
#: A text up to this size may be as absurd as it likes, and a state has so many arrays without a key at most.
_SMALL = 4096
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?')

# Lines of numbers only are decoded and checked by msgspec alone, in one go.
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
_numbers_only = msgspec.json.Decoder(dict[str, _NumbersOnly])  # type: ignore[valid-type]
_NOT_CANONICAL = "a line is not canonical: its keys are unsorted or repeated, or it is spelt otherwise"
_PLAIN_TAGS = tuple(sorted(_NumbersOnly.__struct_fields__))


# Every digit becomes "0", so that a long run of digits is found by a plain search: a number above MAX_SAFE
# has 16 or more. (A run inside somebody's id only costs the slower way.)
_DIGITS = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
_LONG_RUN = b"0" * 16


def encode_name(name: str) -> bytes:
    """Return a name as it stands on a line, with its quotes."""
    return _plain.encode(name)


class Numbers(dict[str, dict[str, Contribution]]):
    """A `Counter` whose rows hold nothing but numbers up to `MAX_SAFE`: it needs no second look to be encoded."""


def encode_line(name: str, counter: Counter) -> bytes:
    """Return the canonical line of a counter, without what separates it from the next."""
    if type(counter) is Numbers:
        return _sorted.encode({name: counter})[1:-1]
    with suppress(OverflowError):  # the encoder knows numbers up to 2^64 only
        text = _sorted.encode({name: counter})
        if _LONG_RUN not in text.translate(_DIGITS):
            return text[1:-1]
    tree = {
        tag: {author: to_wire(KINDS[tag].record, row) for author, row in authors.items()}
        for tag, authors in counter.items()
    }
    return _sorted.encode({name: tree})[1:-1]


def decode_line(line: bytes) -> tuple[str, Counter]:
    """Return the name and the contributions that stand on a stranger's line; raise `Invalid`.

    Who the authors are is for the caller to check: each must stand in the clock of the file.
    """
    text = b"{%b}" % line
    canonical, name, counter = _decode(text)
    if canonical != text:
        raise Invalid(_NOT_CANONICAL)
    return name, counter


def decode_own_line(line: bytes) -> tuple[str, Counter]:
    """Do the same for a line that this program wrote, in a file whose checksum holds: faster.

    But what may hold a control character is looked at as a stranger's: nobody else does that before it is shown.
    """
    if b"\\" in line or b"\x7f" in line or not line.isascii():
        name, counter = decode_line(line)
        for authors in counter.values():
            for author in authors:
                _checked(author, replica_fault)
        return name, counter
    text = b"{%b}" % line
    try:
        return _decode_numbers(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        canonical, name, counter = _decode_any(text)
    if canonical != text:
        raise Invalid(_NOT_CANONICAL)
    return name, counter


def line_from_json(text: bytes) -> bytes:
    """Return the canonical line of the counter ``{NAME: {TYPE: {AUTHOR: [seq, …]}}}``; raise `Invalid`.

    Of two equal keys the last is taken without a word. Who the authors are is for the caller to check.
    """
    return _decode(text)[0][1:-1]


def _decode(text: bytes) -> tuple[bytes, str, Counter]:
    """Return what `text`, JSON in any layout, is in the canonical one, and the counter that it holds."""
    if len(text) <= _SHORT and (b",{" in text or b",[" in text):  # more than numbers: the quick way would be a detour
        canonical, name, counter = _decode_any(text)
    else:
        try:
            name, counter = _decode_numbers(text)
            canonical = _sorted.encode({name: counter})
        except (msgspec.DecodeError, ValueError, RecursionError):
            canonical, name, counter = _decode_any(text)
    _check_name(name, counter)
    return canonical, name, counter


def refuse_absurd(text: bytes) -> None:
    """Raise `Invalid` for a large `text` with far more arrays and objects than keys: JSON perhaps, but no state.

    An empty array is two bytes of text, and thirty times that when it is decoded.
    """
    if len(text) <= _SMALL or text.count(b"[") + text.count(b"{") <= text.count(b'":') + _SMALL:
        return
    outside = _STRING.sub(b"", text)
    if outside.count(b"[") + outside.count(b"{") > 2 * outside.count(b":") + _SMALL:
        raise Invalid("it holds far more arrays or objects than a state has")


def _decode_any(text: bytes) -> tuple[bytes, str, Counter]:
    refuse_absurd(text)
    try:
        tree = _any.decode(text)
        canonical = _sorted.encode(tree)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise Invalid(f"a counter is not JSON: {error}") from None
    return canonical, *_counter_from_tree(tree)


def _decode_numbers(text: bytes) -> tuple[str, Counter]:
    ((name, struct),) = _numbers_only.decode(text).items()
    counter = Numbers()
    for tag in _PLAIN_TAGS:
        authors = getattr(struct, tag)
        if authors is not msgspec.UNSET:
            counter[tag] = authors
    return name, counter


def _counter_from_tree(tree: Any) -> tuple[str, Counter]:
    """Return the one counter that decoded JSON ``{NAME: {TYPE: {AUTHOR: [seq, …]}}}`` holds; raise `Invalid`.

    The tree becomes the counter, piece by piece: a large one is not to be in memory twice. Its name and its
    authors are for the caller to check.
    """
    if not isinstance(tree, dict) or len(tree) != 1:
        raise Invalid("a line must hold one counter")
    ((name, types),) = tree.items()
    if not isinstance(types, dict):
        raise Invalid("a counter must be an object of types")
    for tag, authors in types.items():
        if tag not in KINDS:
            raise Invalid(f"type '{printable(tag[:40])}' is not known to this version")
        if not isinstance(authors, dict):
            raise Invalid("a type must be an object of replicas")
        read = _READERS[tag]
        for author, row in authors.items():
            authors[author] = found = read(row)
            if found[0] < 1:
                raise Invalid("the commit of a contribution must be at least 1")
    return name, types


def _check_name(name: str, counter: Counter) -> None:
    wrong = stored_counter_fault(name)
    if wrong and (name not in NO_COUNTERS or counter.keys() != {NO_COUNTERS[name].tag}):
        raise Invalid(f"{wrong}: '{printable(name[:80])}'")
    if not counter:
        raise Invalid("a counter without a type")
    if not wrong and not counter.keys() <= TYPES.keys():
        raise Invalid(f"type '{min(counter.keys() - TYPES.keys())}' is none of a counter")
    if not all(counter.values()):
        raise Invalid("a type without a contribution")


def join_counters(a: Counter, b: Counter) -> Counter:
    """Return the join of two counters of one name: type by type, author by author."""
    joined: Counter = Numbers(a) if type(a) is Numbers and type(b) is Numbers else dict(a)
    for tag, authors in b.items():
        mine = joined.get(tag)
        joined[tag] = authors if mine is None else KINDS[tag].join_all(mine, authors)
    return joined


def newer(counter: Counter, since: Clock) -> Counter:
    """Return the delta of one counter: what changed after the clock `since`."""
    kept = {tag: KINDS[tag].newer(authors, since) for tag, authors in counter.items()}
    return {tag: authors for tag, authors in kept.items() if authors}


#: What is wrong with a clock that `crdtctl.codec.text.is_crowded`.
CROWDED = "its clock holds thousands of replicas, whose ids are too short to be of this program's making"


# Headers and clocks ------------------------------------------------------------------------------------


_REQUIRED = frozenset({"crdtctl", "kind", "replica", "clock"})
_OPTIONAL = ("settled", "past", "unheard", "tier", "binding", "witness")
#: Kind → the fields that its header must have, and those that it may have.
_FIELDS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "state": (_REQUIRED, frozenset({"tags", "settled"})),
    "delta": (_REQUIRED | {"since"}, frozenset({"tags", "settled"})),
    "known": (_REQUIRED | {"heard"}, frozenset({"tags", "settled", "past", "unheard"})),
    "own": (_REQUIRED, frozenset({"tags", "tier", "binding", "witness"})),
}


def encode_head(head: Head) -> bytes:
    """Return the first line up to, and without, its ``"counters"``."""
    return _plain.encode(head_to_tree(head))[:-1]


def head_to_tree(head: Head) -> dict[str, Any]:
    """Return the header as the tree that stands in a file, its fields in their order."""
    tree: dict[str, Any] = {
        "crdtctl": VERSION,
        "kind": head.kind,
        "replica": head.replica,
        "clock": in_order(head.clock),
    }
    if head.tags:
        tree["tags"] = dict(sorted(head.tags.items()))
    if head.kind == "delta":
        tree["since"] = dict(sorted(head.since.items()))
    if head.kind == "known":
        tree["heard"] = dict(sorted(head.heard.items()))
    for name in _OPTIONAL:
        value = getattr(head, name)
        if value:
            tree[name] = dict(sorted(value.items())) if isinstance(value, Mapping) else value
    return tree


def decode_head(line: bytes) -> Head:
    """Return what a canonical first line (up to and with its line feed) says; raise `Invalid`."""
    if not line.endswith(HEAD_END):
        raise Invalid("it does not begin with the header of a state")
    start = line[: -len(HEAD_END)]
    try:
        tree = _any.decode(start + b"}")
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
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
        raise Invalid("its kind is none of state, delta, own and known")
    required, optional = _FIELDS[kind]
    if not required <= set(tree) <= required | optional:
        raise Invalid("its header lacks a field or has one too many")
    if not all(tree[name] for name in optional & set(tree)):
        raise Invalid("its header has a field that says nothing")
    clock = clock_from_tree(tree["clock"])
    return Head(
        kind=kind,
        replica=_checked(tree["replica"], replica_fault),
        clock=clock,
        since=clock_from_tree(tree.get("since", {})),
        heard=_heard(tree.get("heard", {})),
        tags=_tags(tree.get("tags", {}), clock),
        settled=_settled(tree.get("settled", [])),
        past=_past(tree.get("past", [])),
        unheard=_unheard(tree.get("unheard", {})),
        tier=_tier(tree.get("tier", 0)),
        binding=_text(tree.get("binding", "")),
        witness=_text(tree.get("witness", "")),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise Invalid("its header holds what should be printable text and is not")
    return value


def _tier(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_TIER:
        raise Invalid(f"its tier is no whole number up to {MAX_TIER}")
    return value


def _heard(tree: Any) -> dict[str, str]:
    if not isinstance(tree, dict):
        raise Invalid("its record of who was heard is wrong")
    return {_checked(author, replica_fault): _text(when) for author, when in tree.items()}


def _tags(tree: Any, clock: Clock) -> dict[str, str]:
    if not isinstance(tree, dict) or not tree.keys() <= clock.keys():
        raise Invalid("its tags are of somebody whom the clock does not know")
    for author, text in tree.items():
        try:
            if forks.parse(_text(text)).departed > clock[author]:
                raise Invalid("its tags are newer than the clock says the file is")
        except ValueError as reason:
            raise Invalid(f"its tags are wrong: {reason}") from None
    return tree


def _settled(tree: Any) -> tuple[str, ...]:
    if not isinstance(tree, list):
        raise Invalid("its record of settled forks is wrong")
    found = tuple(_checked(replica, replica_fault) for replica in tree)
    if any(a >= b for a, b in pairwise(found)):
        raise Invalid("its settled forks are not sorted, or one stands twice")
    return found


def _past(tree: Any) -> tuple[Past, ...]:
    if not isinstance(tree, list) or not all(isinstance(row, list) and len(row) == 4 for row in tree):
        raise Invalid("its record of earlier ids is wrong")
    found = []
    for replica, seq, why, when in tree:
        if type(seq) is not int or not 0 <= seq <= MAX_SAFE:
            raise Invalid("its record of earlier ids is wrong")
        found.append(Past(_checked(replica, replica_fault), seq, _text(why), _text(when)))
    return tuple(found)


def _unheard(tree: Any) -> dict[str, int]:
    if not isinstance(tree, dict) or not all(type(n) is int and 0 <= n <= MAX_SAFE for n in tree.values()):
        raise Invalid("its record of earlier ids that were not heard of is wrong")
    return {_checked(replica, replica_fault): count for replica, count in tree.items()}


def newer_version(version: object) -> Invalid:
    """Return the failure that stands for a format that this program does not know."""
    known = type(version) is int and 0 <= version < 10**6
    said = f"version {version}" if known else "an unknown version"
    return Invalid(f"it is in {said} of the format, and this program reads version {VERSION}: upgrade crdtctl")


def clock_from_tree(tree: Any) -> dict[str, int]:
    """Return the clock that a decoded JSON object holds; raise `Invalid`."""
    if not isinstance(tree, dict):
        raise Invalid("a clock must be an object of replicas and numbers")
    for author, seq in tree.items():
        _checked(author, replica_fault)
        if type(seq) is not int or not 1 <= seq <= MAX_SAFE:
            raise Invalid("the numbers of a clock must be whole and at least 1")
    return in_order(tree)


def in_order(clock: Clock) -> dict[str, int]:
    """Return a clock with its authors sorted: itself if they are, for a large one is not to be in memory twice."""
    if isinstance(clock, dict) and all(map(operator.lt, clock, islice(clock, 1, None))):
        return clock
    return dict(sorted(clock.items()))


def encode_clock(clock: Clock) -> str:
    """Return a clock as one line of JSON: what `decode_clock` reads."""
    return _plain.encode(in_order(clock)).decode()
