"""A small file cannot take a machine's memory."""

import subprocess
import sys

import pytest

READ = """
import resource, sys
from crdtctl.codec import other_layouts
from crdtctl.codec.invalid import Invalid

import tomllib  # what is loaded lazily is loaded, before memory is limited

limit = 512 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    other_layouts.canonical(sys.stdin.buffer.read())
except Invalid as refused:
    print("refused")
"""
HOSTILE = {
    "a key of many parts": b"a" + b".a" * 20_000 + b" = 1\n",
    "a quoted key of many parts": b'""' + b'.""' * 20_000 + b" = 1\n",
    "a table of many parts": b"[a" + b".a" * 20_000 + b"]\n",
    "keys in a table of many parts": b"[a"
    + b".a" * 2_000
    + b"]\n"
    + b"".join(b"b.c%d = 1\n" % n for n in range(2_000)),
    "an inline table of many parts": b"a = {a" + b".a" * 20_000 + b" = 1}\n",
    "many tables": b"".join(b"[a%d]\n" % n for n in range(20_000)),
}


@pytest.mark.parametrize("document", HOSTILE.values(), ids=HOSTILE)
def test_a_small_file_is_refused_with_little_memory(document: bytes) -> None:
    ended = subprocess.run([sys.executable, "-c", READ], input=document, capture_output=True, timeout=100, check=False)
    assert (ended.stdout, ended.stderr, ended.returncode) == (b"refused\n", b"", 0)
