"""Command lines, and replicas for them: plain ones, odd ones and damaged ones."""

import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from crdtctl.codec.text import TRAILER_SIZE, assemble, trailer
from crdtctl.codec.wire import MAX_SAFE, Counter, Head, Kind, encode_head, encode_line
from crdtctl.crdt.base import Contribution

HERE = "here-00112233445566778899aabbccddeeff"
HUB = "hub-19c219c219c219c219c219c219c219c2"
FAR = "far-0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"

PLAIN_NAMES = ("builds", "page.views", "a:b/c@d", "x" * 200)
ODD_NAMES = ("free slots", 'say "hi"', "back\\slash", "ünï", "日本", "-1", "--help", "0", '":{"', "{}")
#: These can only be asked for.
WRONG_NAMES = ("", "a=b", "tab\there", " builds", "x" * 201, "u\u0308", "\udcff", "esc\x1b[31m", "missing")
AMOUNTS = (
    *("1", "2", "41", str(MAX_SAFE - 1), str(MAX_SAFE), str(MAX_SAFE + 1), "9" * 16, "1" + "0" * 16, "9" * 100),
    *("0", "007", "-1", "+1", "1.5", "1,5", "1e3", "1_0", "0x1", "", " 1", "1 ", "²", "٣", "１", "1" * 101, "x"),
)
OPTIONS = (
    *(["--once", "job-1"], ["--once="], ["--type", "gcounter"], ["-t", "pncounter"], ["--type=gset"], ["-t", "x"]),
    *(["--by-replica"], ["--members"], ["--state"], ["--format", "json"], ["-f", "csv"], ["--min", "3"]),
    *(["--"], ["--help"], ["-h"], ["--version"], ["--no-such"], ["--replica", ".crdtctl"], ["--lock-timeout", "0"]),
)
SETTINGS = (
    *(("CRDTCTL_REPLICA", path) for path in ("", ".", ".crdtctl", "../..", "nowhere", "own.json")),
    *(("CRDTCTL_TYPE", "gcounter"), ("CRDTCTL_FORMAT", "json"), ("CRDTCTL_LOCK_TIMEOUT", "0")),
    *(("CRDTCTL_INCREMENT_ONCE", "job-1"), ("CRDTCTL_SHOW_MIN", "3"), ("CRDTCTL_SHOW_STATE", "1")),
    *(("CRDTCTL_NO_SUCH", "1"), ("_CRDTCTL_COMPLETE", "complete_bash"), ("NO_COLOR", "1"), ("LC_ALL", "C")),
)


@dataclass(frozen=True)
class Entry:
    """One name in the replica's directory: what stands there, and what it holds."""

    data: bytes = b""
    form: str = "regular"

    def put(self, path: Path) -> None:
        """Make it."""
        elsewhere = path.parent.parent / f"elsewhere-{path.name}"
        match self.form:
            case "regular":
                path.write_bytes(self.data)
            case "symlink":
                elsewhere.write_bytes(self.data)
                path.symlink_to(f"../{elsewhere.name}")
            case "hard link":
                elsewhere.write_bytes(self.data)
                path.hardlink_to(elsewhere)
            case "directory":
                path.mkdir()
            case "fifo":
                os.mkfifo(path)
            case _:
                assert self.form == "missing"


@dataclass(frozen=True)
class Case:
    """A command line, where it is given, and the replica that it finds there."""

    arguments: list[str]
    entries: Mapping[str, Entry]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "."
    is_link: bool = False

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


def state(kind: Kind, replica: str, clock: Mapping[str, int], counters: Mapping[str, Counter]) -> bytes:
    """Return the canonical text of a state."""
    heard = dict.fromkeys(clock, "2024-05-06T07:08:09Z") if kind == "known" else {}
    head = encode_head(Head(kind, replica, clock, heard=heard))
    return assemble(head, [encode_line(name, counters[name]) for name in sorted(counters)])


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


def rows(tag: str, number: SearchStrategy[int]) -> SearchStrategy[Contribution]:
    """Return contributions of a type, with once-keys now and then."""
    if tag == "gset":
        elements = st.lists(st.sampled_from(["ada", "grace", "ünï", '"']), unique=True)
        return st.tuples(seqs, elements.map(sorted).map(tuple))
    totals = {"gcounter": (number,), "pncounter": (number, number)}[tag]
    once = st.dictionaries(st.sampled_from(["job-1", "job 2", '"']), st.tuples(*totals), min_size=1, max_size=2)
    return st.one_of(st.tuples(seqs, *totals), st.tuples(seqs, *totals), st.tuples(seqs, *totals, once))


def counters_of(authors: SearchStrategy[str]) -> SearchStrategy[Counter]:
    """Return counters, most of them plain."""

    def of(tags: tuple[str, ...], number: SearchStrategy[int]) -> SearchStrategy[Counter]:
        return st.fixed_dictionaries(
            {tag: st.dictionaries(authors, rows(tag, number), min_size=1, max_size=3) for tag in tags}
        )

    one = st.sampled_from([("pncounter",), ("gcounter",)])
    any_types = st.sampled_from(
        [("gset",), ("pncounter",), ("gcounter", "pncounter"), ("gcounter", "gset", "pncounter")]
    )
    return st.one_of(
        one.flatmap(lambda tags: of(tags, small_numbers)),
        one.flatmap(lambda tags: of(tags, small_numbers)),
        any_types.flatmap(lambda tags: of(tags, numbers)),
    )


def states(authors: SearchStrategy[str]) -> SearchStrategy[dict[str, Counter]]:
    """Return what a file holds; most often "builds" is in it."""
    names = st.sampled_from(["builds", *PLAIN_NAMES, *ODD_NAMES])
    return st.dictionaries(names, counters_of(authors), max_size=5)


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Return what may become of a file."""
    position = draw(st.integers(0, len(data) - 1))
    kind = draw(st.sampled_from(["changed", "changed and sealed", "cut", "longer", "laid out", "empty", "replaced"]))
    byte = draw(st.sampled_from(list(b'0157{}[]",:\n\\ \xff')))
    match kind:
        case "changed":
            return data[:position] + bytes([byte]) + data[position + 1 :]
        case "changed and sealed":
            body = data[:-TRAILER_SIZE]
            position = min(position, len(body) - 1)
            body = body[:position] + bytes([byte]) + body[position + draw(st.integers(0, 1)) :]
            return body + trailer(zlib.crc32(body))
        case "cut":
            return data[:position]
        case "longer":
            return data + data[position:]
        case "laid out":
            return json.dumps(json.loads(data), indent=1).encode()
        case "replaced":
            return data.replace(b'"own"', b'"state"').replace(b'"known"', b'"own"')
        case _:
            return b""


@st.composite
def replicas(draw: st.DrawFn) -> dict[str, Entry]:
    """Return the entries of a replica's directory."""
    replica = draw(st.sampled_from([HERE, HERE, HERE, 'odd "id"', "ünï-1"]))
    mine = st.just(replica) if draw(st.integers(0, 9)) else st.sampled_from([replica, HUB])
    others = st.sampled_from([HUB, FAR, "odd one"] if draw(st.integers(0, 9)) else [HUB, replica])
    seq = draw(st.sampled_from([20, 20, 20, 0, MAX_SAFE - 1, MAX_SAFE]))
    files = {
        "own.json": own(draw(states(mine)), seq, replica),
        "known.json": known(draw(states(others)), replica),
    }
    forms = st.sampled_from(["regular"] * 12 + ["missing", "symlink", "hard link", "directory", "fifo"])
    entries = {}
    for name, data in files.items():
        whole = draw(st.integers(0, 4))
        entries[name] = Entry(data if whole else draw(damaged(data)), draw(forms))
    if draw(st.booleans()):
        entries["known.json"] = Entry(form="missing")
    entries["own.lock"] = Entry(form=draw(st.sampled_from(["regular"] * 6 + ["missing", "symlink", "directory"])))
    entries["known.lock"] = Entry()
    left = st.sampled_from(["own.json.1-aa.new", "own.json.new", "known.json.1-aa.new", "own.json.1-aa", "own.new"])
    for name in draw(st.lists(left, max_size=2)):
        entries[name] = Entry(b"left over")
    if draw(st.integers(0, 5)) == 0:
        entries["config.toml"] = Entry(draw(st.sampled_from([b"lock_timeout = 1\n", b"nonsense"])))
    return entries


# Command lines -----------------------------------------------------------------------------------------


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    """Return the arguments of one command."""
    verbs = ["increment", "inc", "decrement", "dec", "show", "show"]
    words = [draw(st.sampled_from([*verbs, *verbs, *verbs, "add", "create", "Show", ""]))]
    if draw(st.integers(0, 9)):
        words.append(draw(st.sampled_from([*["builds"] * 8, *PLAIN_NAMES, *ODD_NAMES, *WRONG_NAMES])))
    if draw(st.booleans()):
        words.append(draw(st.one_of(st.sampled_from(AMOUNTS), st.integers(1, 10**17).map(str))))
    if draw(st.integers(0, 3)) == 0:
        words.append(draw(st.sampled_from(["builds", "builds=2", "2", "=1"])))
    if draw(st.integers(0, 3)) == 0:
        at = draw(st.integers(0, len(words)))
        words[at:at] = draw(st.sampled_from(OPTIONS))
    return words


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return a case of any kind."""
    return Case(
        draw(command_lines()),
        draw(replicas()),
        dict(draw(st.lists(st.sampled_from(SETTINGS), max_size=2))) if draw(st.integers(0, 3)) == 0 else {},
        draw(st.sampled_from([".", ".", ".", "deep/er", ".crdtctl"])),
        draw(st.integers(0, 19)) == 0,
    )
