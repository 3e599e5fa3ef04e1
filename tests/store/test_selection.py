"""Selections read the lines of their names, and no others."""

from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import InMemory, assemble
from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import Source
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.series import spelled
from crdtctl.store.counters import CounterSnapshot


class Counting(InMemory):
    """Pages that count the bytes that are read."""

    read_bytes = 0

    def read(self, start: int, size: int) -> bytes:
        found = super().read(start, size)
        self.read_bytes += len(found)
        return found


def source(names: list[str]) -> tuple[Source, Counting]:
    counter: Counter = {"pncounter": {"here": (1, 1, 0)}}
    head = encode_head(Head("own", "here", {"here": 1}))
    pages = Counting(assemble(head, [encode_line(name, counter) for name in sorted(names)]))
    found = Source(pages, len(pages.data), ours=True)
    pages.read_bytes = 0
    return found, pages


@pytest.mark.parametrize("wanted", ["name 500", "name 500*", 'name 500{n="7"}', 'name 50?{n="9999"}'])
def test_look_up_of_a_name_reads_a_small_part_of_a_large_file(wanted: str) -> None:
    own, pages = source([spelled(f"name {m:03}", {"n": str(n)}) for m in range(1000) for n in range(30)])
    now = CounterSnapshot(None, own, None)  # type: ignore[arg-type]  # the settings are not needed
    found = now.select(wanted)
    assert len(found) == (0 if "9999" in wanted else 1)
    assert pages.read_bytes < len(pages.data) / 2


def test_look_up_beside_many_series_of_the_name_reads_them_alone() -> None:
    own, pages = source(["a", "a{", *(spelled("b", {"n": f"{n:05}"}) for n in range(10_000)), "b|"])
    now = CounterSnapshot(None, own, None)  # type: ignore[arg-type]
    assert [total.value for total in now.select("a")] == [1]
    assert pages.read_bytes < len(pages.data) / 2
    assert [total.value for total in now.select("b")] == [10_000]


def test_series_that_the_conditions_leave_out_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    own, _ = source([spelled("b", {"n": f"{n:05}"}) for n in range(1000)])
    now = CounterSnapshot(None, own, None)  # type: ignore[arg-type]
    decoded: list[bytes] = []
    decode = Source.decode

    def noted(self: Source, line: bytes) -> tuple[str, Counter]:
        decoded.append(line)
        return decode(self, line)

    monkeypatch.setattr(Source, "decode", noted)
    assert len(now.select("b", where={"n": "00007"})) == 1
    assert len([line for line in decoded if b'"b{' in line]) == 1


def test_latest_changes_of_a_large_file_are_in_the_totals(replica: Replica) -> None:
    with replica.batch() as batch:
        for number in range(6000):
            batch.increment(spelled("tests", {"n": f"{number:04}"}))
    replica.increment('tests{n="0007"}')
    replica.increment('tests{n="new"}')
    assert Path(replica.path, "own.recent.json").exists()
    assert [total.value for total in replica.select("tests")] == [6002]
    assert [total.value for total in replica.select("tests", where=["n=*7"])] == [601]
    assert [total.spelling for total in replica.select("t*", where=["n=n*"], each=True)] == ['tests{n="new"}']
