"""Command lines, and replicas for them: plain ones, odd ones and damaged ones."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crdtctl.codec.header import FormerId, Head, encode_head
from crdtctl.codec.layout import MAX_SAFE, TRAILER_SIZE, assemble, is_whole, trailer
from crdtctl.codec.lines import encode_line
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entry
from crdtctl.crdt.counter import Counter
from crdtctl.store import binding

if TYPE_CHECKING:
    from crdtctl.codec.header import FileKind

HERE = "here-00112233445566778899aabbccddeeff"
HUB = "hub-19c219c219c219c219c219c219c219c2"
FAR = "far-0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

#: Who has sent states, and when.
TAGGED = (HERE, FAR)
TAGS = "3 2.abcd 5._-Z9 7.0000"
#: Stands for what file an own.json is, until it is written.
UNBOUND = "no file yet"

PLAIN_NAMES = ("builds", "page.views", "a:b/c@d", "x" * 200)
#: Names with labels, and names between those and the name alone.
SERIES = (
    *('builds{os="linux"}', 'builds{os="linux",py="3.12"}', 'builds{os="mac os, {=}"}', "builds.x", "builds{os}"),
    *(r'builds{os="a \"b\" \\"}', 'builds{os="ünï"}', "builds{" + ",".join(f'k{n:02}="v"' for n in range(16)) + "}"),
)
#: Other spellings of series, and texts that spell none.
SPELLINGS = (
    *('builds{py="3.12",os="linux"}', 'builds{ os = "linux" }', 'builds {os="linux"}', 'builds{os="linux",}'),
    *("builds{}", "builds{os=linux}", 'builds{os="linux"', 'builds{os="linux"}x', 'builds{os="a",os="b"}'),
    *('builds{os=""}', "builds{", 'builds{os=" a"}', 'builds{o-s="a"}', 'builds{9="a"}', '{os="a"}'),
    *('builds{os="a"}=2', 'builds{os="a"}{b="c"}', r'builds{os="\x"}', 'builds{os="u' + "\u0308" + '"}', 'a b{os="x"}'),
    *('builds{os="' + "x" * 2032 + '"}', 'builds{,os="a"}'),
    "builds{" + ",".join(f'k{n:02}="v"' for n in range(17)) + "}",
)
LABELS = (
    *(["-l", "os=linux"], ["--label", "py=3.12"], ["--label=os=mac"], ["-los=linux"], ["-l", "os=mac os"]),
    *(["-l", "a=b=c"], ["-l", "os=a,b"], ["-l", "os=a,b=c"], ["-l", 'os="linux"'], ["-l", "os"], ["-l", "os="]),
    *(["-l", "=x"], ["-l"], ["-l", " os = linux "], ["-l", "o-s=x"], ["-l", "os=ünï"], ["-l", r"os=\x"]),
    *(["--label="], ["--label"], ["--labels", "a=b"], ["-ql", "os=linux"], ["-lq"], ["--label", "--replica"]),
    *(["-l", "os=linux", "-l", "py=3.12"], ["-l", "os=a\x1b"], ["-l", "a=" + "x" * 2037], ["-l", "a=" + "x" * 2038]),
    *(["--replica", ".crdtctl", "-los=linux"], ["--", "-los=linux"]),
)
ODD_NAMES = (
    "free slots",
    'say "hi"',
    "back\\slash",
    "ünï",
    "日本",
    "-1",
    "--help",
    "0",
    '":',
    "[]",
    "می\u200cخواهم",
    "👨\u200d👩",
    'builds{os="linux"}',
    'builds{os="a \\"b\\"",py="3.12"}',
    'page.views{os="linux"}',
)
#: These can only be asked for.
WRONG_NAMES = (
    "",
    "a=b",
    "a{b}",
    '":{"',
    "a\u200db",
    "tab\there",
    " builds",
    "x" * 201,
    "u\u0308",
    "\udcff",
    "esc\x1b[31m",
    "missing",
)
AMOUNTS = (
    *("1", "2", "41", str(MAX_SAFE - 1), str(MAX_SAFE), str(MAX_SAFE + 1), "9" * 16, "1" + "0" * 16, "9" * 100),
    *("0", "007", "-1", "+1", "+0", "1.5", "1,5", "1e3", "1_0", "0x1", "", " 1", "1 ", "²", "٣", "１", "1" * 101, "x"),
)
OPTIONS = (
    *(["--once", "job-1"], ["--once="], ["--type", "gcounter"], ["-t", "pncounter"], ["--type=gset"], ["-t", "x"]),
    *(["--max", "9"], ["--min=3", "--max", "99"], ["--min", "-3"], ["--max", "x"], ["--min="], ["--default", "0"]),
    *(
        ["--format", "tsv"],
        ["--format=csv"],
        ["-f", "ndjson"],
        ["-f", "value", "--exact"],
        ["--format", "json", "--max=9"],
    ),
    *(["--format", "xml"], ["-f=csv"], ["--format"], ["--sort", "value"], ["--sort", "x"], ["--top", "2"], ["--top=0"]),
    *(["--exact", "--exact"], ["--exact=1"], ["--type", "pncounter", "--min", "1"], ["--default=x"]),
    *(["--by-replica"], ["--members"], ["--state"], ["--format", "json"], ["-f", "csv"], ["--min", "3"]),
    *(["--"], ["--help"], ["-h"], ["--version"], ["--no-such"], ["--replica", ".crdtctl"], ["--lock-timeout", "0"]),
)
SETTINGS = (
    *(("CRDTCTL_REPLICA", path) for path in ("", ".", ".crdtctl", "../..", "nowhere", "own.json")),
    *(("CRDTCTL_TYPE", "gcounter"), ("CRDTCTL_FORMAT", "json"), ("CRDTCTL_LOCK_TIMEOUT", "0")),
    *(("CRDTCTL_INCREMENT_ONCE", "job-1"), ("CRDTCTL_SHOW_MIN", "3"), ("CRDTCTL_SHOW_STATE", "1")),
    *(("CRDTCTL_LABELS", "os=linux"), ("CRDTCTL_LABELS", "os"), ("CRDTCTL_INCREMENT_LABEL", "os=linux")),
    *(("CRDTCTL_NO_SUCH", "1"), ("_CRDTCTL_COMPLETE", "complete_bash"), ("NO_COLOR", "1"), ("LC_ALL", "C")),
)
FORMS = ("missing", "symlink", "hard link", "directory", "fifo")


@dataclass(frozen=True)
class PlantedFile:
    """One name in the replica's directory: what stands there, and what it holds."""

    data: bytes = b""
    form: str = "regular"

    def put(self, path: Path) -> None:
        """Make it."""
        elsewhere = path.parent.parent / f"elsewhere-{path.name}"
        match self.form:
            case "regular":
                write_bound(path, self.data)
            case "symlink":
                write_bound(elsewhere, self.data)
                path.symlink_to(f"../{elsewhere.name}")
            case "hard link":
                write_bound(elsewhere, self.data)
                path.hardlink_to(elsewhere)
            case "directory":
                path.mkdir()
            case "fifo":
                os.mkfifo(path)
            case _:
                assert self.form == "missing"


def write_bound(path: Path, data: bytes) -> None:
    """Write a file, and put what file it is where it says `UNBOUND`."""
    with path.open("wb") as file:
        bound = data.replace(UNBOUND.encode(), binding.of(file.fileno(), lasting=True).encode())
        if bound != data and is_whole(data):
            bound = bound[:-TRAILER_SIZE] + trailer(zlib.crc32(bound[:-TRAILER_SIZE]))
        file.write(bound)


@dataclass(frozen=True)
class Case:
    """A command line, where it is given, and the replica that it finds there.

    With `is_large`, its files are taken for too large to be summed up for one line.
    """

    arguments: list[str]
    entries: Mapping[str, PlantedFile]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "."
    is_link: bool = False
    is_large: bool = False

    def put(self, here: Path) -> None:
        """Make its files in the empty directory `here`."""
        replica = here / ".crdtctl"
        (here / "deep" / "er").mkdir(parents=True)
        if self.is_link:
            (here / "elsewhere").mkdir()
            replica.symlink_to("elsewhere")
        else:
            replica.mkdir()
        for name, entry in self.entries.items():
            entry.put(replica / name)


def state(kind: "FileKind", replica: str, clock: Mapping[str, int], counters: Mapping[str, Counter]) -> bytes:
    """Return the canonical text of a state."""
    heard = dict.fromkeys(clock, "2024-05-06T07:08:09Z") if kind == "known" else {}
    tags = {author: TAGS for author, seq in clock.items() if seq >= 7 and author in TAGGED}
    is_file = UNBOUND if kind == "own" else ""
    past = (FormerId(FAR, 3, "copied", "2024-05-06T07:08:09Z"),) if kind == "known" and FAR in clock else ()
    unheard = {FAR: 0, HUB: 7} if past else {}
    rows = [(tag, row) for counter in counters.values() for tag, found in counter.items() for row in found.values()]
    periods = any(tag in TYPES and TYPES[tag].has_periods(row) for tag, row in rows)
    head = Head(
        kind,
        replica,
        clock,
        heard=heard,
        histories=tags,
        past=past,
        unheard=unheard,
        binding=is_file,
        periods=periods,
    )
    return assemble(encode_head(head), [encode_line(name, counters[name]) for name in sorted(counters)])


def own(counters: Mapping[str, Counter], seq: int = 20, replica: str = HERE) -> bytes:
    """Return what ``own.json`` holds."""
    return state("own", replica, {replica: seq} if seq else {}, counters)


def known(counters: Mapping[str, Counter], replica: str = HERE) -> bytes:
    """Return what ``known.json`` holds."""
    authors = {author for counter in counters.values() for rows in counter.values() for author in rows}
    return state("known", replica, dict.fromkeys(authors | {HUB}, 20), counters)


# Replicas ----------------------------------------------------------------------------------------------

seqs = st.integers(1, 20)
numbers = st.sampled_from([0, 1, 2, 41, MAX_SAFE - 1, MAX_SAFE, MAX_SAFE + 1, 2**64, 10**100 - 1])
small_numbers = st.integers(0, 1000)
plain_types = st.sampled_from([("pncounter",), ("gcounter",)])
odd_types = st.sampled_from([("gset",), ("pncounter",), ("gcounter", "pncounter"), ("gcounter", "gset", "pncounter")])


def rows(tag: str, number: SearchStrategy[int], *, is_odd: bool) -> SearchStrategy[Entry]:
    """Return entries of a type; odd ones have idempotency keys now and then."""
    if tag == "gset":
        elements = st.dictionaries(st.sampled_from(["ada", "grace", "ünï", '"']), st.integers(1, 20))
        cancelled = st.dictionaries(st.sampled_from([HERE, HUB]), st.integers(1, 20))
        return st.tuples(seqs, elements, cancelled).map(lambda row: TYPES[tag].record.make(*row))
    totals = {"gcounter": (number,), "pncounter": (number, number)}[tag]
    plain = st.tuples(seqs, *totals)
    entry = st.tuples(*totals).filter(any)
    once = st.dictionaries(st.sampled_from(["job-1", "job-2", "job 2", '"']), entry, max_size=2)
    marks = st.dictionaries(st.sampled_from([HERE, HUB, f"{FAR}~1.abcd", "odd one"]), entry, max_size=2)
    row = st.tuples(seqs, *totals, once, marks, once).map(lambda row: TYPES[tag].record.make(*row))
    return st.one_of(plain, row) if is_odd else plain


def counters(tags: tuple[str, ...], authors: list[str], *, is_odd: bool) -> SearchStrategy[Counter]:
    """Return counters that have all the types `tags`."""
    number = numbers if is_odd else small_numbers
    return st.fixed_dictionaries(
        {
            tag: st.dictionaries(st.sampled_from(authors), rows(tag, number, is_odd=is_odd), min_size=1, max_size=3)
            for tag in tags
        }
    )


@st.composite
def states(draw: st.DrawFn, authors: list[str], *, is_odd: bool, tags: tuple[str, ...]) -> dict[str, Counter]:
    """Return what a file holds: the counter "builds", of type `tags` unless it is odd, and others."""
    names = draw(st.lists(st.sampled_from([*PLAIN_NAMES, *ODD_NAMES, *SERIES]), unique=True, max_size=4))
    found = {name: draw(plain_types.flatmap(lambda t: counters(t, authors, is_odd=False))) for name in names}
    if is_odd:
        tags = draw(st.one_of(plain_types, odd_types))
        found |= {name: draw(odd_types.flatmap(lambda t: counters(t, authors, is_odd=True))) for name in names[:2]}
    found["builds"] = draw(counters(tags, authors, is_odd=is_odd))
    return found


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Return what may become of a file."""
    position = draw(st.integers(0, len(data) - TRAILER_SIZE - 1))
    byte = bytes([draw(st.sampled_from(list(b'0157{}[]",:\n\\ \xff')))])
    match draw(st.sampled_from(["changed", "sealed", "sealed", "sealed", "cut", "longer", "laid out", "other kind"])):
        case "changed":
            return data[:position] + byte + data[position + 1 :]
        case "sealed":  # changed, and the checksum made anew
            body = data[:position] + byte + data[position + draw(st.integers(0, 1)) : -TRAILER_SIZE]
            return body + trailer(zlib.crc32(body))
        case "cut":
            return data[:position]
        case "longer":
            return data + data[position:]
        case "laid out":
            return json.dumps(json.loads(data), indent=1).encode()
        case _:
            return data.replace(b'"own"', b'"state"').replace(b'"known"', b'"own"')


@st.composite
def entries(draw: st.DrawFn, odd: str) -> dict[str, PlantedFile]:
    """Return the entries of a replica's directory."""
    is_odd = odd == "counters"
    replica = draw(st.sampled_from([HERE, HERE, 'odd "id"', "ünï-1"])) if is_odd else HERE
    authors = draw(st.sampled_from([[HUB, FAR], [HUB, "odd one"], [HUB, replica]])) if is_odd else [HUB, FAR]
    mine = draw(st.sampled_from([[replica]] * 5 + [[replica, HUB]])) if is_odd else [replica]
    seq = draw(st.sampled_from([20, 20, 20, 0, MAX_SAFE - 1, MAX_SAFE])) if is_odd else 20
    tags = draw(plain_types)
    files = {"own.json": own(draw(states(mine, is_odd=is_odd, tags=tags)), seq, replica)}
    if draw(st.sampled_from([True, True, False])):
        files["known.json"] = known(draw(states(authors, is_odd=is_odd, tags=tags)), replica)
    if odd == "damage":
        name = draw(st.sampled_from(sorted(files)))
        files[name] = draw(damaged(files[name]))
    found = {name: PlantedFile(data) for name, data in {**files, "own.lock": b"", "known.lock": b""}.items()}
    if odd == "entries":
        for name in draw(st.lists(st.sampled_from(sorted(found)), max_size=2)):
            form = draw(st.sampled_from(FORMS))
            found[name] = PlantedFile(found[name].data, form)
        left = ["own.json.1-aa.new", "own.json.new", "known.json.1-aa.new", "own.json.1-aa", "own.new", "config.toml"]
        for name in draw(st.lists(st.sampled_from(left), max_size=2)):
            found[name] = PlantedFile(
                b"left over", draw(st.sampled_from(["regular", "regular", "symlink", "directory"]))
            )
    return found


# Command lines -----------------------------------------------------------------------------------------

_VERBS = ("increment", "inc", "decrement", "dec", "show")
#: Options of ``show`` with a format that suits every plain counter; and those that are given often, with values.
FORMATTED = (
    *(["--format", "json"], ["-f", "json"], ["--format=json"], ["--format", "csv"], ["-f", "tsv"], ["--format=ndjson"]),
    *(["--sort", "name", "--top=3"], ["--exact"], ["--default", "0"], ["--max", "99999"]),
)
_SHOWN = {
    "--format": ("value", "tsv", "csv", "json", "ndjson"),
    "-f": ("tsv", "json"),
    "--type": ("pncounter", "gcounter"),
    **dict.fromkeys(("--min", "--max", "--default"), ("0", "9", "500", "99999")),
    "--sort": ("name", "value"),
    "--top": ("1", "3"),
}
_KEYS = ("job-1", "job-2", "job-3", "job 2", '"', "-x", "ünï", "0", "x" * 201)


@st.composite
def plain_arguments(draw: st.DrawFn) -> list[str]:
    """Return the arguments of a command that is done often."""
    words = [draw(st.sampled_from(_VERBS)), "builds"]
    if words[0] != "show" and draw(st.booleans()):
        words.append(str(draw(st.integers(1, 10**6))))
    if words[0] == "show":
        words += draw(st.sampled_from([[], [], ["--by-replica"], *FORMATTED]))
    return words


@st.composite
def plain_options(draw: st.DrawFn) -> list[str]:
    """Return options of ``show`` that are given often."""
    words: list[str] = []
    for option in draw(st.lists(st.sampled_from(list(_SHOWN)), max_size=3, unique=True)):
        value = draw(st.sampled_from(_SHOWN[option]))
        words += [option, value] if draw(st.booleans()) else [f"{option}={value}"]
    return [*words, *draw(st.sampled_from([[], [], [], ["--exact"]]))]


@st.composite
def keyed_arguments(draw: st.DrawFn) -> list[str]:
    """Return the arguments of a command that counts under an idempotency key."""
    words = draw(plain_arguments())
    key = draw(st.sampled_from(_KEYS))
    at = draw(st.integers(0, len(words)))
    words[at:at] = draw(st.sampled_from([["--once", key], [f"--once={key}"]]))
    return words


@st.composite
def several_arguments(draw: st.DrawFn) -> list[str]:
    """Return the arguments of a command that counts several counters."""
    names = draw(st.lists(st.sampled_from(["builds", *PLAIN_NAMES, *ODD_NAMES[:4]]), min_size=1, max_size=4))
    amounts = st.integers(0, 50).map(str) | st.sampled_from(AMOUNTS)
    words = [draw(st.sampled_from(_VERBS[:4])), *[f"{name}={draw(amounts)}" for name in names]]
    return [*words, *draw(st.sampled_from([[], [], [], ["--once", "job-3"], ["builds"], ["--type", "gcounter"]]))]


@st.composite
def adding_arguments(draw: st.DrawFn) -> list[str]:
    """Return the arguments of a command that adds elements to a set."""
    elements = draw(st.lists(st.sampled_from(["ada", "grace", "mary", "ünï", '"', "0", "a b", "-1"]), max_size=3))
    words = ["add", draw(st.sampled_from(["builds", "builds", "builds", "free slots", "page.views"])), *elements]
    return [*words, *draw(st.sampled_from([[], [], [], ["--once", "job-3"], ["--type", "gset"], ["--replica", "x"]]))]


@st.composite
def odd_arguments(draw: st.DrawFn) -> list[str]:
    """Return the arguments of a command that is odd in one or two words."""
    words = draw(plain_arguments())
    for what in draw(
        st.lists(st.sampled_from(["amount", "amount", "name", "option", "verb", "word"]), min_size=1, max_size=2)
    ):
        match what:
            case "amount":
                words[2:] = [draw(st.sampled_from(AMOUNTS))]
            case "name":
                words[1] = draw(st.sampled_from([*PLAIN_NAMES, *ODD_NAMES, *WRONG_NAMES]))
            case "option":
                at = draw(st.integers(0, len(words)))
                words[at:at] = draw(st.sampled_from(OPTIONS))
            case "verb":
                words[0] = draw(st.sampled_from(["add", "create", "Show", "sho", "", "inc"]))
            case _:
                words.append(draw(st.sampled_from(["builds", "builds=2", "=1", "2"])))
    return words


@st.composite
def labelled_arguments(draw: st.DrawFn) -> list[str]:
    """Return the arguments of a command that counts in a series, or asks for one."""
    words = draw(plain_arguments())
    words[1] = draw(st.sampled_from(["builds", *SERIES, *SERIES, *SPELLINGS]))
    options = draw(st.lists(st.sampled_from([*LABELS[:6], *LABELS]), max_size=3)) if words[0] != "show" else []
    for option in options:
        at = draw(st.integers(0, len(words)))
        words[at:at] = option
    return words


#: What may be odd about a case: about the files' texts, or about anything else.
ODD_FILES = ("counters", "damage")
ODDITIES = ("arguments", "labels", "keys", "several", "sets", "entries", "settings")


@st.composite
def cases(draw: st.DrawFn, odd: str) -> Case:
    """Return a case that is plain but in one thing."""
    is_odd = odd == "settings"
    chosen = {
        "arguments": odd_arguments(),
        "labels": labelled_arguments(),
        "keys": keyed_arguments(),
        "several": several_arguments(),
        "sets": adding_arguments(),
    }
    arguments = chosen.get(odd, st.one_of(plain_arguments(), st.just(["show"])))
    return Case(
        draw(arguments),
        draw(entries(odd)),
        dict(draw(st.lists(st.sampled_from(SETTINGS), min_size=1, max_size=2))) if is_odd else {},
        draw(st.sampled_from([".", "deep/er", ".crdtctl"] if is_odd else [".", "deep/er"])),
        is_link=is_odd and draw(st.sampled_from([False, False, False, True])),
        is_large=draw(st.booleans()),
    )
