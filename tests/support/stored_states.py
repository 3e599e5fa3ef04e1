"""States of replicas that never were: for merging many, large or bad ones."""

import zlib
from collections.abc import Mapping

from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import TRAILER_SIZE, assemble, trailer
from crdtctl.codec.lines import encode_line
from crdtctl.crdt.counter import Counter


def state(author: str, counters: Mapping[str, Counter], seq: int = 9, **others: int) -> bytes:
    """Return what the replica `author` exports after its commit `seq`, knowing `others` up to theirs."""
    head = Head("state", author, {author: seq, **others})
    return assemble(encode_head(head), [encode_line(name, counters[name]) for name in sorted(counters)])


def counted_state(author: str, amounts: Mapping[str, int], seq: int = 9) -> bytes:
    """Return what a replica exports that has counted_state these amounts up."""
    return state(author, {name: {"pncounter": {author: (1, amount, 0)}} for name, amount in amounts.items()}, seq)


def with_new_checksum(data: bytes) -> bytes:
    """Return `data` with the right checksum, whatever was done to it."""
    body = data[:-TRAILER_SIZE]
    return body + trailer(zlib.crc32(body))
