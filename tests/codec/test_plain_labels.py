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
from crdtctl.codec.header import Head
from crdtctl.codec.layout import search
from crdtctl.codec.lines import encode_name
from crdtctl.fastpath.counts import Count
from tests.codec.files import opened, written
from tests.support.plain_commands import LABELS, SERIES, SPELLINGS

HEAD = Head("state", "hub", {"hub": 2})
#: Words with labels that the fast path reads.
READ = [
    ["increment", 'builds{os="linux"}'],
    ["inc", "builds", "7", "-l", "os=linux", "--label=a=b=c"],
    ["inc", "builds", "-l", "os=linux", "--once", "job-1"],
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
    once = st.sampled_from(
        [["--once", "job-1"], ["--once=job-2"], ["--once", "a b"], ["--once="], ["--once", "--once"]]
    )
    options = (
        once
        | st.sampled_from(LABELS)
        | TEXTS.map(lambda one: ["-l", f"os={one}"])
        | TEXTS.map(lambda one: [f"-l{one}"])
    )
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
        verb, on_line, amount, key, where = plain_labels.read(words)
    except (ValueError, IndexError):
        return
    with mock.patch.dict(os.environ, {}, clear=True):
        context = parser.read(words)
        assert context is not None
        (request,) = labelled(context, counting("increment", context.values["words"], None))
    assert encode_name(request.name) == b'"%b"' % on_line
    assert request.name.encode() == Count(on_line, 0, amount, key).name
    assert (request.operation.amount, context.everywhere.get(REPLICA.name)) == (amount, where)
    assert (verb, context.values["once"]) == ("increment", key.decode() or None)


#: Words with labels that are left to the full command, which reads them otherwise or reports what is wrong.
LEFT = {
    "an option that is not of labels": ["increment", "builds", "-l", "os=a", "--verbose"],
    "an option with a value that is not of labels": ["increment", "builds", "-l", "os=a", "--type=gcounter"],
    "a key that is not plain": ["increment", "builds", "-l", "os=a", "--once", "job 1"],
    "two keys": ["increment", "builds", "-l", "os=a", "--once", "job", "--once=job"],
    "a label before the verb": ["-l", "os=linux", "increment", "builds"],
    "an option at the end": ["increment", "builds", "-l"],
    "a replica that is empty": ["increment", "builds", "-l", "os=a", "--replica="],
    "a replica that looks like an option": ["increment", "builds", "-l", "os=a", "--replica", "-x"],
    "a label without a value": ["increment", "builds", "-l", "os"],
    "a label of an empty value": ["increment", "builds", "-l", "os="],
    "several labels in one": ["increment", "builds", "-l", "os=a,py=3"],
    "a label twice": ["increment", "builds", "-l", "os=a", "-l", "os=b"],
    "a key with a dash": ["increment", "builds", "-l", "o-s=a"],
    "a key that begins with a digit": ["increment", "builds", "-l", "9=a"],
    "a value with a quote": ["increment", "builds", "-l", 'os="a"'],
    "a value with a backslash": ["increment", "builds", "-l", "os=a\\b"],
    "a value that begins with a space": ["increment", "builds", "-l", "os= a"],
    "a value that ends with a space": ["increment", "builds", "-l", "os=a "],
    "a value beyond ASCII": ["increment", "builds", "-l", "os=é"],
    "a value with a control character": ["increment", "builds", "-l", "os=a\x1b"],
    "no name": ["increment", "-l", "os=a"],
    "no labels": ["increment", "builds"],
    "an amount of nothing": ["increment", "builds", "0", "-l", "os=a"],
    "an amount that is a word": ["increment", "builds", "x", "-l", "os=a"],
    "a word too many": ["increment", "builds", "2", "3", "-l", "os=a"],
    "a name of two bytes a letter": ["increment", "é", "-l", "os=a"],
    "braces that do not end": ["increment", 'builds{os="a"'],
    "text behind the braces": ["increment", 'builds{os="a"}x'],
    "braces without labels": ["increment", "builds{}", "-l", "os=a"],
    "white space before a key": ["increment", 'builds{os="a", py="3"}'],
    "no quotes": ["increment", "builds{os=a}"],
    "no comma": ["increment", 'builds{os="a"py="3"}'],
    "another operator": ["increment", 'builds{os~"a"}'],
    "seventeen labels": ["increment", "builds", *(f"-lk{n:02}=v" for n in range(17))],
    "a spelling that is too long": ["increment", "builds", "-l", "a=" + "x" * (2049 - len('builds{a=""}'))],
}


@pytest.mark.parametrize("words", LEFT.values(), ids=LEFT)
def test_words_that_are_not_plain_are_left_to_the_full_command(words: list[str]) -> None:
    with pytest.raises((ValueError, IndexError)):
        plain_labels.read(words)


@pytest.mark.parametrize("words", READ, ids=lambda words: " ".join(words)[:60])
def test_plain_labels_are_read(words: list[str]) -> None:
    verb, on_line, *_ = plain_labels.read(words)
    assert verb in ("increment", "inc", "dec")
    assert on_line.startswith(b"builds{")


@pytest.mark.parametrize(
    ("names", "has_series"),
    [
        ([], False),
        (["builds"], False),
        (["builds", 'builds{os="linux"}'], True),
        (['builds{os="linux"}'], True),
        (["builds", "builds two", 'builds{os="linux"}', "c"], True),
        (["a", "builds", 'builds two{os="linux"}', 'builds2{os="linux"}', "c"], False),
        (['a{os="builds{"}', "builds", "builds|"], False),
    ],
)
def test_series_beside_a_counter_are_noticed(names: list[str], has_series: bool) -> None:
    source = opened(written(HEAD, {name: {"pncounter": {"hub": (2, 1, 0)}} for name in names}))
    _, behind = search(source.pages, source.start, source.end, b"builds")
    starts = {source.start, behind} if "builds" in names else {source.start}
    for start in starts:
        if has_series:
            with pytest.raises(ValueError):  # noqa: PT011  # the fast path tells nobody why
                plain_labels.refuse_series(source.pages, start, source.end, b"builds")
        else:
            plain_labels.refuse_series(source.pages, start, source.end, b"builds")
