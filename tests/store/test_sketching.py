"""Lines become one sketch, whichever of two processes takes a piece; or the first wrong line is told."""

import os
import signal
from collections.abc import Iterable, Iterator
from itertools import cycle, islice

import pytest

from crdtctl.crdt import hyperloglog
from crdtctl.errors import StorageError
from crdtctl.store import sketching
from crdtctl.store.sketching import BadLine, SketchResult, sketch_lines
from tests.support.forked import in_process_of_its_own

ELEMENTS = [f"visitor {number}" for number in range(500)]
BAD = {
    b" a": "white space",
    b"a ": "white space",
    b"a\x07": "control",
    b"a\rb": "control",
    b"x" * 4097: "longer than 4096",
    b"\xff": "not UTF-8",
    "a\u200db".encode(): "formatting",
    "é\u202e".encode(): "formatting",
    b"\xed\xa0\x80": "not UTF-8",
}


@pytest.fixture(autouse=True)
def _always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything large enough for a second process."""
    monkeypatch.setattr(sketching, "PARALLEL_FROM_BYTES", 1)


def pieces(lines: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Return lines in pieces of so many."""
    rest = iter(lines)
    while piece := list(islice(rest, size)):
        yield b"\n".join(piece)


def both(lines: Iterable[bytes], size: int, *, skip: bool = False) -> SketchResult:
    """Return what one process makes of lines; two make the same."""
    lines = list(lines)
    alone = sketch_lines(pieces(lines, size), skip=skip)

    def together() -> None:
        assert sketch_lines(pieces(lines, size), processes=2, skip=skip) == alone

    in_process_of_its_own(together)
    return alone


@pytest.mark.parametrize("size", [1, 3, 250, 1000])
def test_pieces_of_any_size_come_to_the_sketch_of_all_elements(size: int) -> None:
    elements = [element.encode() for element in ELEMENTS]
    assert both(elements + elements[:40], size) == SketchResult(hyperloglog.sketch(16, elements))


def test_lines_of_any_script_and_as_in_dos_are_elements() -> None:
    lines = ["ada\r", "grace hopper", "naïve café\r", "日本語", "🦊", "=1", "x" * 4096, "ada"]
    expected = [line.removesuffix("\r").encode() for line in lines[:-1]]
    for size in (1, 2, 10):
        assert both([line.encode() for line in lines], size) == SketchResult(hyperloglog.sketch(16, expected))


def test_no_line_comes_to_nothing() -> None:
    assert sketch_lines([]) == sketch_lines([], processes=2) == SketchResult("")


def test_blank_lines_hold_nothing_and_decomposed_elements_are_the_composed_ones() -> None:
    lines = ["", "ada", " ", "caf\u00e9", "cafe\u0301", "\r", "می\u200cخواهم", "\t", ""]
    expected = [b"ada", "caf\u00e9".encode(), "می\u200cخواهم".encode()]
    for size in (1, 2, 10):
        assert both([line.encode() for line in lines], size) == SketchResult(hyperloglog.sketch(16, expected))
    assert both([b"", b" "], 1) == SketchResult("")


@pytest.mark.parametrize("wrong", BAD, ids=repr)
def test_wrong_lines_are_left_out_and_counted(wrong: bytes) -> None:
    sound = [b"element %d" % number for number in range(50)]
    for size in (1, 7, 100):
        found = both([*sound[:20], wrong, *sound[20:], wrong, wrong], size, skip=True)
        assert found.text == hyperloglog.sketch(16, sound)
        assert found.bad is not None
        assert (found.bad.number, found.left_out) == (21, 3)
        assert BAD[wrong] in found.bad.why
    only = both([wrong, wrong], 1, skip=True)
    assert (only.text, only.left_out) == ("", 2)


@pytest.mark.parametrize("wrong", BAD, ids=repr)
def test_the_first_wrong_line_is_told_whoever_met_it(wrong: bytes) -> None:
    for place in (0, 1, 2, 3, 17, 99):
        lines = [b"ada", *(b"element %d" % number for number in range(98)), b"grace"]
        lines[place] = wrong
        lines[min(99, place + 7)] = wrong
        for size in (1, 10, 200):
            found = sketch_lines(pieces(lines, size))
            assert isinstance(found.bad, BadLine)
            assert found.bad.number == place + 1
            assert BAD[wrong] in found.bad.why
            if size == 10:
                assert both(lines, size) == found


def test_nothing_more_is_read_once_a_line_is_wrong() -> None:
    def endless(*lines: bytes) -> Iterator[bytes]:
        yield from lines
        yield from cycle([b"ada\ngrace"])

    def work() -> None:
        for lines in ([b"a ", b"a"], [b"a", b"b ", b"c"], [b"a", b"b", b"c ", b"d"]):
            found = sketch_lines(endless(*lines), processes=2)
            assert isinstance(found.bad, BadLine)
            assert lines[found.bad.number - 1].endswith(b" ")

    in_process_of_its_own(work)


@pytest.mark.parametrize("count", [3, 10_000])
def test_a_helper_that_dies_is_a_failure_and_leaves_nothing_open(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sketching, "sketch_stream", lambda *_: os.kill(os.getpid(), signal.SIGKILL))

    def work() -> None:
        before = os.listdir("/dev/fd")
        with pytest.raises(StorageError, match="helper process died"):
            sketch_lines([b"a"] * count, processes=2)
        assert os.listdir("/dev/fd") == before
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, 0)

    in_process_of_its_own(work)


def test_a_failure_to_read_ends_the_helper_too() -> None:
    def failing() -> Iterator[bytes]:
        yield from [b"a", b"b", b"c"]
        raise OSError(5, "broken")

    def work() -> None:
        with pytest.raises(OSError, match="broken"):
            sketch_lines(failing(), processes=2)
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, 0)

    in_process_of_its_own(work)
