"""Two files are joined as a replica that merges both of them would, in any order."""

from itertools import combinations, cycle, pairwise
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from crdtctl.store.inputs import Input
from crdtctl.store.join_files import described, join_files

GOLDEN = Path(__file__).parents[1] / "codec" / "golden"
STATES = sorted(path for path in GOLDEN.glob("*.json") if b'"kind":"state"' in path.read_bytes()[:40])

#: States with more than rows: all pairs of them are joined, and each of the others with one of them.
_SPECIAL = ("attempts", "ended", "fork", "forgotten", "handoff", "renames", "tags")
SPECIAL = [path for path in STATES if path.stem in _SPECIAL]
PLAIN = [path for path in STATES if path.stem not in _SPECIAL]
PAIRS = [*combinations(SPECIAL, 2), *zip(PLAIN, cycle(SPECIAL), strict=False), *pairwise(PLAIN)]


def joined(a: Path, b: Path) -> bytes | str:
    """Return the join of two files, or the message of its refusal without the names of the files."""
    try:
        return join_files(Input("a file", path=str(a)), Input("a file", path=str(b)))
    except CrdtctlError as failure:
        return failure.message


def read(place: Path, *files: Path) -> tuple[dict[str, int], list[tuple[str, str, int]], tuple[str, ...]]:
    """Return the clock, the values and the resolved forks of a replica that merged some files."""
    replica = Replica.init(place, name="hub")
    assert replica.merge_inputs([Input(str(one), path=str(one)) for one in files], beyond_fence=True).refused == {}
    with replica.snapshot() as now:
        values = [(one.name, one.tag, one.value) for one in now.counters()]
        head = now.head()
        return {who: n for who, n in head.clock.items() if who != now.id}, values, head.settled


@pytest.mark.harms_replicas
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "+".join(one.stem for one in pair))
def test_a_join_is_read_as_both_files_in_any_order(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    a, b = pair
    text = joined(a, b)
    assert joined(b, a) == text
    if isinstance(text, str):
        assert text.startswith(("a handoff counter", "a file is from beyond"))
        return
    file = tmp_path / "joined.json"
    file.write_bytes(text)
    assert read(tmp_path / "one", file) == read(tmp_path / "two", a, b)
    assert joined(file, a) == joined(a, file) == joined(file, b) == text


@pytest.mark.parametrize("path", STATES, ids=lambda path: path.stem)
def test_a_join_with_itself_is_the_same_bytes(path: Path) -> None:
    assert joined(path, path) == path.read_bytes()


@pytest.mark.parametrize("name", ["delta.json", "own.json", "known.json"])
def test_a_file_that_is_not_a_whole_state_is_refused(name: str) -> None:
    assert "is not a whole state" in str(joined(GOLDEN / "gcounter.json", GOLDEN / name))


@pytest.mark.harms_replicas
def test_the_lines_of_a_state_have_the_values_that_a_replica_reads(tmp_path: Path) -> None:
    for number, path in enumerate(STATES):
        lines = [line.split("\t") for line in described(Input("a", path=str(path))) if line[0] not in "# "]
        if "handoff" not in path.stem:
            found = read(tmp_path / str(number), path)[1]
            assert lines == [[name, str(value), tag] for name, tag, value in found], path


@pytest.mark.parametrize("names", [("ann", "bob"), ("bob", "ann")])
def test_a_file_that_holds_all_of_another_one_is_the_join_whoever_wrote_it(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    first, second = (Replica.init(tmp_path / name, name=name) for name in names)
    first.increment("n")
    first.export_to(tmp_path / "old.json")
    second.increment("n")
    second.merge(tmp_path / "old.json")
    second.export_to(tmp_path / "all.json")
    whole = (tmp_path / "all.json").read_bytes()
    assert joined(tmp_path / "old.json", tmp_path / "all.json") == whole
    assert joined(tmp_path / "all.json", tmp_path / "old.json") == whole
