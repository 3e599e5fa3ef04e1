"""The plain readers against the full codec: a text that one accepts means the same to both, and both write it alike.

Each example of Hypothesis is edited hundreds of times, so that thousands of texts a second are compared.
"""

import json
import random
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crdtctl import fastpath
from crdtctl.codec import plain
from crdtctl.codec.header import FormerId, Head, decode_head, encode_head
from crdtctl.codec.layout import HEAD_END, MAX_SAFE
from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.crdt import NO_COUNTERS, TYPES, membership
from crdtctl.crdt.additive import AdditiveCounter
from crdtctl.crdt.base import Entry, Operation
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.gcounter import GCounter
from crdtctl.crdt.histories import ExportMarker, History, parse, retained, text
from crdtctl.crdt.pncounter import PNCounter
from crdtctl.records import replace

HERE = "here-00112233445566778899aabbccddeeff"
PLAIN = (HERE, "far-1", "hub-1")
ODD = ("zoë-1", 'odd "id"', "here~1.abcd")
WHEN = "2024-05-06T07:08:09Z"
#: Number of edits of each text.
EDITS = 300
#: The bytes of an edit: those that have a meaning in JSON or in the format, and a few that have none.
_BYTES = b'0157{}[]",:\\~. -ax\n\x7f\xff'

numbers = st.integers(0, 20) | st.sampled_from([MAX_SAFE - 1, MAX_SAFE, MAX_SAFE + 1, 2**64])
seqs = st.integers(1, 20) | st.sampled_from([MAX_SAFE - 1, MAX_SAFE])
names = st.sampled_from(["builds", "a:b/c@d", "x" * 200, "free slots", "ünï", 'say "hi"', "-1"])
plain_replicas = st.sampled_from(PLAIN)
replicas = st.sampled_from([*PLAIN, *ODD])


def edits(line: bytes, seed: int) -> Iterator[bytes]:
    """Yield a text, and variants of it: bytes replaced, inserted, deleted or doubled, and parts copied."""
    yield line
    chance = random.Random(seed)
    for _ in range(EDITS):
        edited = line
        for _ in range(chance.choice((1, 1, 2))):
            at = chance.randrange(len(edited))
            end = at + chance.choice((0, 0, 1, 1, 1, 2, 20))
            by = chance.choice(
                (b"", bytes([chance.choice(_BYTES)]), bytes([chance.choice(_BYTES)]), edited[at:end] * 2)
            )
            edited = edited[:at] + by + edited[end:]
        yield edited


def accepted(read: Callable[[], object]) -> bool:
    """Return whether a plain reader accepts a text."""
    try:
        read()
    except (ValueError, IndexError):
        return False
    return True


@st.composite
def histories(draw: st.DrawFn, limit: int) -> str:
    """Return the text of up to 40 export markers; often there are none."""
    history = History()
    for _ in range(draw(st.integers(0, 40)) if draw(st.booleans()) else 0):
        if history.exported < limit:
            history = history.then(ExportMarker(history.exported + 1, draw(st.sampled_from(["aZ09", "-_-_"]))))
    return text(history) if history.count else ""


# Headers -----------------------------------------------------------------------------------------------

PLAIN_TEXTS = ("1.2.0.deadbeef", "-.-.0.deadbeef", "a b", "/home/ada/x y", "copied", WHEN)
KEYS = ("increment:/var/log/a.log", "add:visitors:/b")
ODD_KEYS = ("increment:/var/log/a b", "decrement:/{}", 'add:"x":/é')
POSITIONS = ("7.0.00000000", "18446744073709551615.4096.89abcdef")
DONE = ("+5 builds", "-2@1960347 a.b", '+1 builds{os="linux"}', "add visitors")
ODD_DONE = ("+1 ü", "+1 a\\b", "+1 می\u200cخواهم", "+1 \u2764\ufe0f\u200d\U0001f525")
ODD_TEXTS = ("é", 'a"b', "a\\b", "a,b")


def parts(is_odd: bool) -> tuple[SearchStrategy[str], SearchStrategy[str]]:
    """Return replica ids and texts; some of them may be odd."""
    if is_odd:
        return replicas, st.sampled_from(PLAIN_TEXTS + ODD_TEXTS)
    return plain_replicas, st.sampled_from(PLAIN_TEXTS)


@st.composite
def own_headers(draw: st.DrawFn) -> Head:
    is_odd = draw(st.booleans())
    ids, texts = parts(is_odd)
    replica, seq = draw(ids), draw(seqs)
    history = draw(histories(seq))
    return Head(
        "own",
        replica,
        {replica: seq},
        histories={replica: history} if history else {},
        tier=draw(st.integers(0, is_odd)),
        received=draw(st.sampled_from([{}, {replica: 1}, {replica: seq}] + [{"hub-1": 1}] * is_odd)),
        periods=draw(st.booleans()),
        binding=draw(texts),
        witness=draw(st.just("") | texts),
        follows=draw(
            st.dictionaries(st.sampled_from(KEYS + ODD_KEYS * is_odd), st.sampled_from(POSITIONS), max_size=2)
        ),
        last=tuple(draw(st.lists(st.sampled_from(DONE + ODD_DONE * is_odd), max_size=2))),
    )


@st.composite
def known_headers(draw: st.DrawFn) -> Head:
    is_odd = draw(st.booleans())
    ids, texts = parts(is_odd)
    clock = draw(st.dictionaries(ids, seqs, max_size=4))
    past = st.builds(FormerId, ids, numbers.filter(lambda n: n <= MAX_SAFE), texts, texts)
    return Head(
        "known",
        draw(ids),
        clock,
        heard=draw(st.dictionaries(ids, texts, max_size=3)),
        histories={author: history for author, seq in clock.items() if (history := draw(histories(seq)))},
        settled=draw(st.sampled_from([(), ("hub-1",)] if is_odd else [()])),
        periods=draw(st.booleans()),
        past=tuple(draw(st.lists(past, max_size=2))),
        unheard=draw(st.dictionaries(ids, st.integers(0, 9), max_size=2)),
        received=draw(st.just({}) | st.dictionaries(ids, seqs, max_size=2)),
        receipts=draw(
            st.just({}) | st.dictionaries(ids, st.dictionaries(ids, seqs, min_size=1, max_size=2), max_size=2)
        ),
    )


def assert_own_header_agrees(line: bytes) -> None:
    """Raise AssertionError if a header of ``own.json`` means something else to the codec, or is written otherwise."""
    header = plain.read_own_header(line)
    replica, history = header.replica.decode(), header.history.decode()
    head = Head(
        "own",
        replica,
        {replica: header.seq},
        histories={replica: history} if history else {},
        binding=header.bound.decode(),
        witness=header.witness.decode(),
        follows=json.loads(b"{%b}" % header.follows),
        last=tuple(json.loads(b'["%b"]' % header.last)) if header.last else (),
        periods=header.periods,
        received={replica: header.received} if header.received else {},
    )
    assert decode_head(line) == head
    assert header.exports == (parse(history).count if history else 0)
    header.seq += 1
    header.bound = b"9.9.0.deadbeef"
    assert (
        header.encode() == encode_head(replace(head, clock={replica: header.seq}, binding="9.9.0.deadbeef")) + HEAD_END
    )


@given(own_headers(), st.integers(0, 2**32))
def test_own_header_that_is_plain_means_the_same_to_the_codec(head: Head, seed: int) -> None:
    for line in edits(encode_head(head) + HEAD_END, seed):
        if accepted(partial(plain.read_own_header, line)):
            assert_own_header_agrees(line)


@given(known_headers(), st.integers(0, 2**32))
def test_known_header_that_is_plain_is_valid_to_the_codec(head: Head, seed: int) -> None:
    for line in edits(encode_head(head) + HEAD_END, seed):
        if accepted(partial(plain.check_known_header, line)):
            assert decode_head(line).kind == "known"


def is_plain(head: Head) -> bool:
    """Return whether a header holds nothing special, by its data alone."""
    if not (set(head.follows) <= set(KEYS) and set(head.last) <= set(DONE)):
        return False
    keys = (head.replica, *head.clock, *head.heard, *head.unheard, *(past.replica for past in head.past))
    texts = (
        head.binding,
        head.witness,
        *head.heard.values(),
        *(w for past in head.past for w in (past.why, past.when)),
    )
    return (
        set(keys) <= set(PLAIN)
        and not any(set(text) & set('"\\é') for text in texts)
        and not any("," in past.why + past.when for past in head.past)
        and not head.settled
        and not head.tier
        and (head.kind != "own" or set(head.received) <= {head.replica})
    )


@given(own_headers() | known_headers())
def test_header_without_anything_special_is_plain(head: Head) -> None:
    line = encode_head(head) + HEAD_END
    if head.kind == "own":
        assert accepted(lambda: plain.read_own_header(line)) == is_plain(head)
    else:
        assert accepted(lambda: plain.check_known_header(line)) == is_plain(head)


#: Edits of a header that make it another text: the bytes, and the bytes in their place.
ODD_HEADERS = {
    "leading zero": (b":20}", b":020}"),
    "space": (b",", b", "),
    "repeated field": (b',"clock":', b',"crdtctl":1,"clock":'),
    "other version": (b'"crdtctl":1', b'"crdtctl":2'),
    "quote in the id": (b'"replica":"h', b'"replica":""'),
    "no clock": (b',"clock":{', b',"clack":{'),
    "other kind": (b'"kind":"', b'"kind":"x'),
    "not UTF-8": (b"h", b"\xff"),
    "no line feed": (b"\n", b""),
}


@pytest.mark.parametrize("edit", ODD_HEADERS.values(), ids=list(ODD_HEADERS))
def test_header_that_is_not_canonical_is_not_plain(edit: tuple[bytes, bytes]) -> None:
    own = encode_head(Head("own", HERE, {HERE: 20}, binding="1.2.0.0")) + HEAD_END
    known = encode_head(Head("known", HERE, {HERE: 20}, heard={HERE: WHEN})) + HEAD_END
    assert accepted(lambda: plain.read_own_header(own))
    assert accepted(lambda: plain.check_known_header(known))
    assert not accepted(lambda: plain.read_own_header(plain.header_line(own.replace(*edit, 1))))
    assert not accepted(lambda: plain.check_known_header(plain.header_line(known.replace(*edit, 1))))


#: A description of ``own.json``: a nonce, the size of the file, that of a block, and a sum for each of two blocks.
BASE = "0123456789ab 70000 65536 0123456789abcdef"
OTHER_BASES = (
    *("", "0123456789ab", BASE[1:], BASE + "0", BASE + " 1", BASE[:-8], BASE + "00000000", BASE.upper()),
    *(BASE.replace("70000", size) for size in ("0", "070000", "x", "", "65536", "131073")),
    *(BASE.replace("65536", size) for size in ("0", "-1", "34999", "70000")),
)


def test_header_of_recent_counts_is_read_and_written_as_by_the_codec() -> None:
    head = Head("recent", HERE, {HERE: 20}, binding="1.2.0.0", base=BASE)
    header = plain.read_recent_header(encode_head(head) + HEAD_END)
    assert (header.replica.decode(), header.seq, header.base.decode()) == (HERE, 20, BASE)
    assert plain.read_base(header.base) == (b"0123456789ab", 70000, 65536, b"0123456789abcdef")
    header.seq += 1
    assert header.encode() == encode_head(replace(head, clock={HERE: 21})) + HEAD_END


@pytest.mark.parametrize("base", OTHER_BASES)
def test_description_that_no_program_writes_is_not_plain(base: str) -> None:
    line = encode_head(Head("recent", HERE, {HERE: 20}, binding="1.2.0.0", base=BASE)) + HEAD_END
    assert not accepted(lambda: plain.read_base(base.encode()))
    assert not accepted(lambda: plain.read_recent_header(line.replace(BASE.encode(), base.encode())))


def test_header_of_another_file_is_no_header_of_recent_counts() -> None:
    line = encode_head(Head("own", HERE, {HERE: 20}, binding="1.2.0.0", base="0123456789ab")) + HEAD_END
    assert not accepted(lambda: plain.read_recent_header(line))
    assert not accepted(lambda: plain.read_recent_header(line.replace(b"0123456789ab", BASE.encode())))


def test_header_that_is_too_long_is_not_plain() -> None:
    assert plain.header_line(b"x" * (plain.MAX_HEADER - 1) + b"\n...")
    with pytest.raises(ValueError, match="not found"):
        plain.header_line(b"x" * plain.MAX_HEADER + b"\n")


def test_export_markers_of_a_replica_that_is_not_in_the_clock_are_not_plain() -> None:
    line = (
        encode_head(Head("known", HERE, {"far-1": 9}, heard={"far-1": WHEN}, histories={"far-1": "1 3.abcd"}))
        + HEAD_END
    )
    assert accepted(lambda: plain.check_known_header(line))
    assert not accepted(lambda: plain.check_known_header(line.replace(b'"clock":{"far-1"', b'"clock":{"fan-1"')))


# Lines -------------------------------------------------------------------------------------------------


#: Number of totals → texts of periods.
DATED = {1: ("", "d20454:3", "m672:1 d20500:3,,1 q1999999:7"), 2: ("", "d20454:3", "d20454:-3,1-2 h491000:1,,1-1")}


def rows(tag: str, totals: SearchStrategy[int]) -> SearchStrategy[Entry]:
    """Return entries of a type, some with maps of idempotency keys and of what resets cancelled."""
    kind = TYPES[tag]
    assert isinstance(kind, AdditiveCounter)
    numbers = st.tuples(*[totals] * len(kind.weights))
    keys = st.sampled_from(["job-1", "job-2", "job 2"])
    used = st.dictionaries(keys, st.one_of(numbers, st.tuples(*[totals] * len(kind.weights), seqs)).filter(any))
    marks = st.dictionaries(st.sampled_from([HERE, "hub-1", "far~1.abcd"]), numbers.filter(any), max_size=2)
    cancelled = st.dictionaries(keys, numbers.filter(any), max_size=2)
    full = st.builds(lambda seq, row, *maps: kind.record.make(seq, *row, *maps), seqs, numbers, used, marks, cancelled)
    texts = st.sampled_from(DATED[len(kind.weights)])
    settings = st.tuples(st.integers(0, 4), st.sampled_from([0, 1, 38_400, MAX_SAFE + 1]), texts)
    dated = st.builds(
        lambda seq, row, last: kind.record.make(seq, *row, {}, {}, {}, {}, 0, {}, *last), seqs, numbers, settings
    )
    return st.one_of(st.builds(lambda seq, row: (seq, *row), seqs, numbers), full, dated)


@st.composite
def lines(draw: st.DrawFn, *, is_own: bool) -> tuple[str, Counter, bytes]:
    """Return a name, a counter, which is often plain, and their line."""
    name = draw(st.just("builds") | names)
    tags = draw(st.sampled_from([("pncounter",), ("pncounter",), ("gcounter",), ("gcounter", "pncounter"), ("gset",)]))
    authors = st.just(HERE) if is_own else replicas
    counter: Counter = {}
    for tag in tags:
        entries = st.just((3, {"ada": 3})) if tag == "gset" else rows(tag, st.integers(0, 20) | numbers)
        counter[tag] = draw(st.dictionaries(authors, entries, min_size=1, max_size=3))
    return name, counter, encode_line(name, counter)


def decoded(entries: Mapping[bytes, list[int]], counter: Counter, tag: bytes) -> dict[str, Entry]:
    """Return plain entries as the codec returns them; they lack the commits."""
    commits = {replica: row[0] for replica, row in counter[tag.decode()].items()}
    return {replica.decode(): (commits[replica.decode()], *totals) for replica, totals in entries.items()}


def assert_line_agrees(line: bytes, name: bytes) -> None:
    """Raise AssertionError if a line means something else to the codec."""
    tag, entries = plain.read_line(line, name)
    other, counter = decode_own_line(line)
    assert other.encode() == name
    assert counter == {tag.decode(): decoded(entries, counter, tag)}


@given(lines(is_own=False), st.integers(0, 2**32))
def test_line_that_is_plain_means_the_same_to_the_codec(drawn: tuple[str, Counter, bytes], seed: int) -> None:
    name = drawn[0].encode()
    for line in edits(drawn[2], seed):
        if plain.is_name(name) and accepted(partial(plain.read_line, line, name)):
            assert_line_agrees(line, name)


def assert_own_line_agrees(line: bytes, name: bytes, chance: random.Random) -> None:
    """Raise AssertionError if a line of ``own.json`` means something else to the codec, or is written otherwise."""
    found = plain.read_own_line(line, name, HERE.encode())
    other, counter = decode_own_line(line)
    assert other.encode() == name
    ((tag, entries),) = counter.items()
    ((replica, row),) = entries.items()
    width = len(found.totals)
    assert (replica, tag.encode(), row[1 : width + 1]) == (HERE, found.tag, tuple(found.totals))
    found.totals = [chance.choice((0, 1, total, MAX_SAFE)) for total in found.totals]
    again: Counter = {tag: {HERE: (21, *found.totals, *row[width + 1 :])}}
    assert found.encode(HERE.encode(), 21) == encode_line(other, again)


@given(lines(is_own=True), st.integers(0, 2**32))
def test_own_line_that_is_plain_is_read_and_written_as_by_the_codec(
    drawn: tuple[str, Counter, bytes], seed: int
) -> None:
    name, replica = drawn[0].encode(), HERE.encode()
    chance = random.Random(seed)
    for line in edits(drawn[2], seed):
        if plain.is_name(name) and accepted(partial(plain.read_own_line, line, name, replica)):
            assert_own_line_agrees(line, name, chance)


@pytest.mark.parametrize(
    "entries", ['"b":[1,2],"a":[1,2]', '"a":[1,2],"a":[1,2]', '"a":[0,2]', '"a":[1]', '"a":[1,2,3]', ""]
)
def test_line_of_entries_that_no_program_writes_is_not_plain(entries: str) -> None:
    line = f'"builds":{{"gcounter":{{{entries}}}}}'.encode()
    assert not accepted(lambda: plain.read_line(line, b"builds"))


def test_value_of_plain_entries_is_that_of_the_type() -> None:
    for tag, *rows in (("gcounter", (20, 12), (1, 30)), ("pncounter", (20, 12, 5), (1, 0, 30))):
        entries = dict(zip((HERE, "hub-1"), rows, strict=True))
        found = plain.read_line(encode_line("builds", {tag: entries}), b"builds")
        assert plain.value_of(*found) == TYPES[tag].value(entries) == {"gcounter": 42, "pncounter": -23}[tag]


#: Texts that no program writes after the totals of an entry.
ODD_MAPS = (
    *("{}", "{},{}", "{}x", "{", "}", "[]", "0", "null", '{"k":[1,0]}}', '{"k":[1,0]},', '{"k":[1,0]},{}', '{"k":[1]}'),
    *('{"k":[0,0]}', '{"k":[1,0,0]}', '{"k":1}', '{"k":[1,00]}', '{"k":[1,-1]}', '{"k":["1",0]}', '{"k":[1,0],}'),
    *('{"k":[1,0],"k":[2,0]}', '{"l":[1,0],"k":[2,0]}', '{"":[1,0]}', '{"k ":[1,0]}', "{k:[1,0]}", '{"k":[1, 0]}'),
    *('{"k":[1,0]},{"i":[1,0]},{"k":[1,0]},{"k":[1,0]}', '{},{},{},{"k":[1,0]}', '{"k":[1,0]} ', '{"k":[1.0,0]}'),
    '{"k":[1,0]}]},"pncounter":{"x":[1,2,3,{"k":[1,0]}',
    *(
        f"{{}},{{}},{{}},{{}},0,{{}},{end}"
        for end in ("", "0", "4", "1,", "1,0", '1,0,""', '1,0,"d1:0"', '1,0,"d1:1-1-1"')
    ),
    *(
        f"{{}},{{}},{{}},{{}},0,{{}},{end}"
        for end in ("1,0,d1:1", '1,0,"d1:1" ', '1,"d1:1"', '1,5,"d1:1",1', '0,0,"d1:1"', "01")
    ),
    *('{"k":[1,0]},{},{},{},0,{},1', '{},{},{},{"x":1},0,{},1', "{},{},{},{},1,{},1", "{},{},{},{},0,{},1,5,"),
)
MAPS = ('{"k":[1,0]}', '{"k":[1,0,9]}', '{},{"i":[1,0]}', '{},{},{"k":[0,1]}', '{"k":[1,0]},{"i":[1,0]},{"k":[1,0]}')
MAPS_AND_PERIODS = (
    *MAPS,
    *(f"{{}},{{}},{{}},{{}},0,{{}},{end}" for end in ("1", "3,38400", '1,0,"d1:1"', '2,8,"d1:1-1 h99:1"')),
)


@pytest.mark.parametrize("maps", [*ODD_MAPS, *MAPS_AND_PERIODS])
def test_maps_are_plain_as_the_codec_writes_them(maps: str) -> None:
    line = f'"builds":{{"pncounter":{{"{HERE}":[20,12,5,{maps}]}}}}'.encode()
    assert accepted(lambda: plain.read_own_line(line, b"builds", HERE.encode())) == (maps in MAPS_AND_PERIODS)


def test_plain_texts_reach_the_comparison() -> None:
    """The properties above compare accepted texts; these are accepted."""
    rows: tuple[Entry, ...] = (
        (20, 12, 5),
        (20, 0, 0, {"job-1": (1, 0)}),
        (20, 1, 2, {}, {HERE: (1, 0)}, {"job-1": (1, 0)}),
    )
    for row in rows:
        line = encode_line("builds", {"pncounter": {HERE: row}})
        assert_own_line_agrees(line, b"builds", random.Random(0))
    assert_line_agrees(encode_line("builds", {"gcounter": {HERE: (20, 12), "hub-1": (1, 0)}}), b"builds")
    for history in ("", text(History(1, (ExportMarker(3, "abcd"),)))):
        tags = {HERE: history} if history else {}
        assert_own_header_agrees(
            encode_head(Head("own", HERE, {HERE: 20}, histories=tags, binding="1.2.0.0")) + HEAD_END
        )


# Membership and constants ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", [(20, 0), (20, 1), (20, 0, 20240506), (20, 1, 20240506), (20, 0, 0, {"2024-05-06": ["0" * 20]})]
)
@pytest.mark.parametrize("author", [HERE, "hub-1"])
def test_membership_of_a_replica_that_may_be_sealed_is_noticed(author: str, row: Entry) -> None:
    line = encode_line(membership.NAME, {"membership": {author: row}})
    assert plain.may_be_sealed(line, HERE.encode()) or not (author == HERE and membership.is_sealed(row))
    assert not plain.may_be_sealed(b"", HERE.encode())


def test_replica_that_has_absorbed_and_is_not_sealed_may_count() -> None:
    line = encode_line(membership.NAME, {"membership": {HERE: (20, 0, 20240506)}})
    assert not plain.may_be_sealed(line, HERE.encode())


def test_constants_are_those_of_the_registry() -> None:
    assert {
        tag.encode(): kind.weights for tag, kind in TYPES.items() if isinstance(kind, AdditiveCounter)
    } == plain.WEIGHTS
    increments, decrements = (PNCounter().column(Operation(verb)) for verb in ("increment", "decrement"))
    assert {"increment": increments, "inc": increments, "decrement": decrements, "dec": decrements} == fastpath.COLUMNS
    assert GCounter().column(Operation("increment")) == increments
    assert membership.NAME.encode() == plain.RESERVED
    assert all(name.encode().startswith(plain.RESERVED) for name in NO_COUNTERS)


@settings(max_examples=300)
@given(st.integers(0, 3000) | st.integers(0, 2**53 - 1))
def test_number_of_kept_export_markers_is_that_of_the_algebra(count: int) -> None:
    assert plain.kept_count(count) == len(retained(count))


def test_headers_with_receipts_are_plain() -> None:
    own = Head("own", "hub-1", {"hub-1": 3}, received={"hub-1": 2}, binding="1.2.0.deadbeef")
    assert plain.read_own_header(encode_head(own) + HEAD_END).received == 2
    known = Head("known", "hub-1", {"ann": 3, "bob": 4}, received={"ann": 2}, receipts={"ann": {"bob": 2}})
    plain.check_known_header(encode_head(known) + HEAD_END)
    for wrong in (b'"bob":0}', b'"":2}', b"}"):
        line = (encode_head(known) + HEAD_END).replace(b'"bob":2}', wrong)
        assert not accepted(partial(plain.check_known_header, line))
