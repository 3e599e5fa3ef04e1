"""Golden files are read, mean what they always meant, and are rewritten byte for byte, for ever."""

import pytest

from crdtctl.codec.header import FormerId
from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.codec.merge_join import merge_join
from crdtctl.crdt import KINDS, TYPES
from crdtctl.crdt.counter import without_forgotten
from crdtctl.crdt.forks import Fork, join
from crdtctl.crdt.histories import ExportMarker, History, parse
from tests.codec.files import decoded, opened, read_canonical, specified, written
from tests.codec.golden_files import CANONICAL

Readings = dict[tuple[str, str], int]

HUGE = 10**100 - 1
ESCAPED = [
    '"',
    "\\",
    '\\"',
    'a":{"b',
    '":{\\',
    "a",
    "ab",
    "a b",
    "é",
    "日本語",
    "🦊 fox",
    "{}",
    "x" * 200,
    '"' * 200,
    "é" * 100,
    "],[",
    '},"crc32":"00000000"}',
    "\\u0041",
]
READINGS: dict[str, Readings] = {
    "empty": {},
    "gcounter": {("downloads", "gcounter"): 42, ("page.views", "gcounter"): 0, ("builds", "gcounter"): 1},
    "pncounter": {("free slots", "pncounter"): -4, ("stock", "pncounter"): 75, ("zero", "pncounter"): 0},
    "gset": {("visitors", "gset"): 4, ("nobody", "gset"): 0},
    "hll": {
        ("every rank", "hll"): 185,
        ("nobody", "hll"): 0,
        ("pages", "hll"): 563,
        ("visitors", "gset"): 1,
        ("visitors", "hll"): 4,
    },
    "hist": {
        ("edges", "gset"): 1,
        ("edges", "hist"): 4,
        ("latency", "hist"): 7,
        ("levels", "hist"): 5,
        ("many", "hist"): 10**99 + 2**60 + 2**53 + 6,
        ("nothing", "hist"): 0,
        ("once", "hist"): 4,
    },
    "bcounter": {
        ("balance", "bcounter"): -460,
        ("budget", "bcounter"): 10**100 + 10**20 - 1,
        ("seats", "bcounter"): 58,
        ("stock", "bcounter"): 7,
        ("tickets", "bcounter"): 20,
        ("zero", "bcounter"): 0,
    },
    "attempts": {("failed", "pncounter"): 3, ("passed", "pncounter"): 15},
    "renames": {("builds", "pncounter"): 11, ('fails{os="linux"}', "gcounter"): 4, ("runs", "pncounter"): 100},
    "periods": {("builds", "gcounter"): 1035, ("runs", "gcounter"): 7, ("stock", "pncounter"): -3},
    "periods-of-more": {("latency", "hist"): 3 + 1, ("seats", "bcounter"): 7, ("visitors", "hll"): 5},
    "forgotten": {
        ("builds", "gcounter"): 9 - 7,
        ("forgotten", "gcounter"): 0,
        ("forgotten set", "gset"): 0,
        ("repeated job", "pncounter"): 0,
        ("rx", "gcounter"): 0,
        ("used keys", "pncounter"): 0,
        ("visitors", "gset"): 2,
    },
    "forgotten-sketches": {
        ("forgotten pages", "hll"): 0,
        ("forgotten times", "hist"): 0,
        ("latency", "hist"): 3,
        ("pages", "hll"): 1,
    },
    "forgotten-rights": {("seats", "bcounter"): 2 + 3, ("stock", "bcounter"): 2},
    "expired": {("builds", "pncounter"): 21, ("runs", "gcounter"): 9},
    "readings": {
        ("big", "pncounter"): 2**53 + 1,
        ("gone", "pncounter"): 3,
        ("rx", "pncounter"): 7 + 3 + 4 + 100,
        ('tokens{model="large"}', "gcounter"): 9 + 8,
    },
    "once": {("builds", "pncounter"): 17, ("runs", "gcounter"): 14},
    "big-integers": {
        ("edge", "gcounter"): 2**54 - 1,
        ("huge", "pncounter"): HUGE - 2**64 - 2**63,
        ("once", "gcounter"): 10**20 + 1,
        ("sixteen digits", "gcounter"): 10**15,
    },
    "escapes": {
        **{(name, "gcounter"): number for number, name in enumerate(ESCAPED)},
        ("set", "gset"): 7,
        ("keys", "pncounter"): 2,
    },
    "name-ends": {
        (":{", "gcounter"): 0,
        ('":{', "gcounter"): 1,
        ('a":{', "gcounter"): 2,
        (':{":{', "gcounter"): 3,
    },
    "types": {
        ("page", "gcounter"): 3,
        ("page", "gset"): 1,
        ("page", "pncounter"): -6,
        ("visits", "gset"): 1,
        ("visits", "pncounter"): 0,
    },
    "delta": {("builds", "pncounter"): 43, ("visitors", "gset"): 1},
    "delta-of-nothing": {},
    "own": {("builds", "pncounter"): 9, ("visitors", "gset"): 1},
    "known": {("builds", "pncounter"): 8},
    "tags": {("builds", "pncounter"): 15},
    "tags-in-a-delta": {("builds", "pncounter"): 15},
    "fork": {("builds", "pncounter"): 20, ("visitors", "gset"): 2},
    "known-fork": {("visitors", "gset"): 2},
    "own-bound": {("builds", "pncounter"): 5},
    "ended": {("builds", "pncounter"): 8},
    "reset": {
        ("builds", "pncounter"): 2 - 0 + 1 - 1,
        ("deploys", "gcounter"): 4 + 3 + 2,
        ("stock", "pncounter"): 2**53 - 2 + 7,
        ("visitors", "gset"): 2,
        ("visits", "gset"): 0,
    },
    "handoff": {
        ("builds", "handoff"): 1030,
        ("fresh", "handoff"): 0,
        ("seats", "handoff"): 8,
        ("seats", "gcounter"): 2,
        ("huge", "handoff"): 10**99,
    },
    "own-tier": {("builds", "handoff"): 1030},
    "series": {
        ('t{k="' + "x" * 2041 + '"}', "gcounter"): 9,
        ("tests", "pncounter"): 1,
        ('tests{k00="v",' + ",".join(f'k{n:02}="v"' for n in range(1, 16)) + "}", "gcounter"): 8,
        ('tests{os="linux"}', "pncounter"): 5,
        ('tests{os="linux",py="3.12"}', "gcounter"): 5,
        (r'tests{os="a \"quote\", a \\ and {b=\"c\"}"}', "gcounter"): 6,
        ('tests{os="é 🦊"}', "gcounter"): 7,
        ('visitors{day="1"}', "gset"): 2,
        # names of early versions, which have braces and no labels
        ("tests.old", "gcounter"): 10,
        ("tests{", "gcounter"): 11,
        ("tests{}", "gcounter"): 12,
        ("tests{old}", "gcounter"): 13,
    },
}
each_file = pytest.mark.parametrize("data", CANONICAL.values(), ids=CANONICAL)


@each_file
def test_a_golden_file_is_rewritten_byte_for_byte(data: bytes) -> None:
    head, counters = read_canonical(data)
    assert written(head, counters) == specified(head, counters) == data


@each_file
def test_each_line_of_a_golden_file_is_rewritten_byte_for_byte(data: bytes) -> None:
    source = opened(data)
    for name, line in source.lines():
        assert encode_line(*source.decode(line)) == encode_line(*decode_own_line(line)) == line
        assert source.decode(line)[0].encode() == name
        assert source.line(name.decode()) == line


@each_file
def test_a_golden_file_laid_over_itself_is_itself(data: bytes) -> None:
    head, counters = read_canonical(data)
    lines = [joined.after for joined in merge_join(opened(data), [opened(data, ours=True), opened(data)])]
    assert lines == [encode_line(name, counters[name]) for name in sorted(counters)]
    assert head == opened(data).head


@pytest.mark.parametrize("name", READINGS)
def test_a_golden_file_reads_what_it_always_read(name: str) -> None:
    counters = decoded(opened(CANONICAL[name]))
    found = {
        (key, tag): TYPES[tag].value(rows)
        for key, counter in counters.items()
        for tag, rows in counter.items()
        if tag in TYPES
    }
    assert found == READINGS[name]


def test_every_golden_file_says_what_it_reads() -> None:
    assert READINGS.keys() == CANONICAL.keys()


def test_every_type_and_kind_of_file_has_a_golden_file() -> None:
    read = [read_canonical(data) for data in CANONICAL.values()]
    assert {tag for _, counters in read for counter in counters.values() for tag in counter} == set(KINDS)
    assert {head.kind for head, _ in read} == {"state", "delta", "own", "known"}


def test_golden_headers_mean_what_they_always_meant() -> None:
    laptop, hub = "laptop-0f1e2d3c4b5a69788796a5b4c3d2e1f0", "hub-00112233445566778899aabbccddeeff"
    job = "build 7-ffffffffffffffffffffffffffffffff"
    delta = opened(CANONICAL["delta"]).head
    assert (delta.kind, delta.replica) == ("delta", hub)
    assert delta.clock == {laptop: 7, hub: 20}
    assert delta.since == {laptop: 6, hub: 18}
    known = opened(CANONICAL["known"]).head
    assert known.heard == {hub: "2026-03-01T12:00:00Z", job: "2026-03-02T00:00:59Z"}
    assert known.clock == {hub: 3, job: 1}


def test_golden_headers_of_forks_mean_what_they_always_meant() -> None:
    laptop, hub = "laptop-0f1e2d3c4b5a69788796a5b4c3d2e1f0", "hub-00112233445566778899aabbccddeeff"
    a, b = f"{laptop}~3.k3Xa", f"{laptop}~3.z-_9"
    tags = opened(CANONICAL["tags"]).head
    assert parse(tags.histories[laptop]) == History(
        3, (ExportMarker(2, "aaaa"), ExportMarker(30, "0-_Z"), ExportMarker(31, "k3Xa"))
    )
    assert parse(tags.histories[hub]) == History(1, (ExportMarker(19, "Qx_1"),))
    fork = opened(CANONICAL["fork"]).head
    assert fork.clock == {hub: 20, a: 33, b: 31}
    assert fork.settled == (a, b)
    assert join([(fork.clock, fork.histories)]).forks == [Fork(laptop, (a, b), 30)]
    assert join([(fork.clock, fork.histories), (tags.clock, tags.histories)]).names == [{}, {laptop: (a,)}]
    known = opened(CANONICAL["known-fork"]).head
    assert known.past == (
        FormerId("hub-ffeeddccbbaa99887766554433221100", 0, "copied", "2026-02-28T23:59:59Z"),
        FormerId("hub-0123456789abcdef0123456789abcdef", 2**53 - 1, "forked", "2026-03-01T00:00:00Z"),
    )
    own = opened(CANONICAL["own-bound"]).head
    assert (own.binding, own.witness) == ("7b.1f.0.c0ffee", f"/home/ann/.local/state/crdtctl/{laptop}")


def test_golden_counters_are_forgotten_as_they_always_were() -> None:
    for file, wanted in (
        ("forgotten", {"builds", "visitors"}),
        ("forgotten-sketches", {"latency", "pages"}),
        ("forgotten-rights", {"seats"}),
    ):
        counters = decoded(opened(CANONICAL[file]))
        assert {name for name, counter in counters.items() if without_forgotten(counter)} == wanted


def test_a_golden_file_of_a_client_says_its_tier() -> None:
    assert opened(CANONICAL["own-tier"]).head.tier == 1
    assert opened(CANONICAL["own-bound"]).head.tier == 0
