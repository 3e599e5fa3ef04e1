"""The fast path's reader of labels means what the full command means, or declines."""

import os
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.cli import parser
from crdtctl.cli.counting import counting
from crdtctl.cli.everywhere import REPLICA
from crdtctl.cli.labelling import labelled
from crdtctl.codec import plain_labels
from crdtctl.codec.lines import encode_name
from tests.support.plain_commands import LABELS, SERIES, SPELLINGS

#: Words with labels that the fast path reads.
READ = [
    ["increment", 'builds{os="linux"}'],
    ["inc", "builds", "7", "-l", "os=linux", "--label=a=b=c"],
    ["--replica", "x", "dec", 'builds{py="3.12",os="mac os, {=}"}', "-los=bsd"],
    ["increment", "builds", *(f"-lk{n:02}=v" for n in range(16))],
    ["increment", "builds", "-l", "a=" + "x" * (2048 - len('builds{a=""}'))],
]
TEXTS = st.text(st.sampled_from('os=",{} \\9é-\x1b'), max_size=8)


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Return words that count in a series, or that look alike."""
    text = TEXTS.map(lambda inner: f"builds{{{inner}}}") | TEXTS.map(lambda value: f'builds{{os="{value}"}}')
    name = draw(st.sampled_from(["builds", *SERIES, *SPELLINGS]) | text)
    words = ["increment", name, *draw(st.sampled_from([[], ["2"], ["x"], ["0"], ["2", "3"]]))]
    options = st.sampled_from(LABELS) | TEXTS.map(lambda one: ["-l", f"os={one}"]) | TEXTS.map(lambda one: [f"-l{one}"])
    for option in draw(st.lists(options, max_size=3)):
        at = draw(st.integers(0, len(words)))
        words[at:at] = option
    return words


@given(lines())
@example(["increment", "builds", "-l", "os=a,b=c"])
@example(["increment", "builds", "-l", "os=a", "-l", "os=b"])
@example(["increment", 'builds{os="a",os="b"}'])
@example(["increment", 'builds{os=" a"}'])
@example(["increment", "builds", "-l", "os=a\x1b"])
@example(["increment", "builds", "-l", "o-s=a"])
@example(["increment", "builds", "-l", "9=a"])
@example(["increment", "builds", "-l", "os=a", "--replica", "x", "--replica=y"])
@example(["increment", 'builds{os="a"'])
@example(["increment", 'builds{os="a"}x'])
@example(["-l", "os=linux", "increment", "builds"])
@example(["increment", "builds", "--label", "--replica", "x", "a=b"])
@example(["increment", "builds", *(f"-lk{n:02}=v" for n in range(17))])
@example(["increment", "builds", "-l", "a=" + "x" * (2049 - len('builds{a=""}'))])
def test_words_that_are_read_mean_the_same_to_the_full_command(words: list[str]) -> None:
    try:
        verb, on_line, amount, where = plain_labels.read(words)
    except (ValueError, IndexError):
        return
    with mock.patch.dict(os.environ, {}, clear=True):
        context = parser.read(words)
        assert context is not None
        (request,) = labelled(context, counting("increment", context.values["words"], None))
    assert encode_name(request.name) == b'"%b"' % on_line
    assert request.name.encode() == plain_labels.in_search(on_line)
    assert (request.operation.amount, context.everywhere.get(REPLICA.name)) == (amount, where)
    assert verb == "increment"


@pytest.mark.parametrize("words", READ, ids=lambda words: " ".join(words)[:60])
def test_plain_labels_are_read(words: list[str]) -> None:
    verb, on_line, _, _ = plain_labels.read(words)
    assert verb in ("increment", "inc", "dec")
    assert on_line.startswith(b"builds{")
