"""A stream is kept in memory or in a temporary file, and neither without limit."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import chain, repeat

import pytest

from crdtctl.codec import other_layouts
from crdtctl.codec.layout import HEAD_START
from crdtctl.errors import DataError
from crdtctl.store import inputs
from crdtctl.store.inputs import SMALL, Input, spool

LINE = b'"builds":{"gcounter":{"ann":[1,1]}},\n'
HEAD = HEAD_START + b'state","replica":"ann","clock":{"ann":1},"counters":{\n'


def reader(blocks: Iterator[bytes]) -> tuple[Callable[[int], bytes], list[int]]:
    """Return what reads a stream piece by piece, and a list with how much was read."""
    total = [0]

    def read(_size: int) -> bytes:
        block = next(blocks, b"")
        total[0] += len(block)
        return block

    return read, total


@pytest.mark.parametrize(
    ("blocks", "limit"),
    [
        (repeat(bytes(SMALL)), "layout"),
        (chain([HEAD_START], repeat(b"x" * SMALL)), "layout"),
        (chain([HEAD], repeat(LINE * 1000)), "stream"),
        (chain([b" " + HEAD], repeat(LINE * 1000)), "layout"),
    ],
    ids=["zeros", "a header", "lines", "lines in another layout"],
)
def test_a_stream_that_does_not_end_is_left(
    blocks: Iterator[bytes], limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(other_layouts, "MAX_BYTES", 10 * SMALL)
    monkeypatch.setattr(inputs, "MAX_STREAM", 100 * SMALL)
    read, total = reader(blocks)
    with ExitStack() as stack, pytest.raises(DataError, match="larger than"):
        spool(read, stack)
    most = 10 * SMALL if limit == "layout" else 100 * SMALL
    assert most < total[0] <= most + 2 * SMALL


@pytest.mark.parametrize("size", [0, 1, SMALL, SMALL + 1, 20 * SMALL])
def test_a_stream_that_ends_is_kept_whole(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(other_layouts, "MAX_BYTES", 10 * SMALL)
    data = (HEAD + LINE * size)[:size]
    read, _ = reader(data[start : start + 1000] for start in range(0, size, 1000))
    with ExitStack() as stack:
        assert content(spool(read, stack)) == data


def content(item: Input) -> bytes:
    if item.data is not None:
        return item.data
    assert item.path is not None
    with open(item.path, "rb") as file:
        file.seek(0)
        return file.read()
