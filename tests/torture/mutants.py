"""Rows: the program with one thing done wrong on purpose. Each of these mutants must fail the test named beside it.

A mutant is a copy of the package with some exact pieces of source replaced. The test and its processes import the
mutant instead of the package.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import crdtctl
from tests.torture.report import Row

_ROOT = Path(__file__).parents[2]
_PACKAGE = Path(crdtctl.__file__).parent
_NO_TESTS_RAN = 5
_TESTS_FAILED = 1

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"


@dataclass(frozen=True)
class Edit:
    """Replace `old`, which `file` contains exactly once, by `new`."""

    file: str
    old: str
    new: str

    def make(self, package: Path) -> None:
        """Do it in a copy of the package."""
        path = package / self.file
        text = path.read_text()
        assert text.count(self.old) == 1, f"{self.file} holds {text.count(self.old)} times: {self.old}"
        path.write_text(text.replace(self.old, self.new))


@dataclass(frozen=True)
class Mutant:
    """A way to do it wrong, and the test that must notice; `quick` ones take about two seconds."""

    name: str
    edits: tuple[Edit, ...]
    test: str
    quick: bool = True

    def tried(self) -> str:
        """Return how the test ends with this mutant."""
        with _copy() as place:
            for edit in self.edits:
                edit.make(place / "crdtctl")
            return run(self.test, place)


@contextmanager
def _copy() -> Iterator[Path]:
    """Copy the package; return where it is to be imported from."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory).resolve()
        shutil.copytree(_PACKAGE, place / "crdtctl", ignore=shutil.ignore_patterns("__pycache__"))
        yield place


def _environment(place: Path) -> Mapping[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRDTCTL", "PYTEST", "PYTHON", "COV"))}
    return {**kept, "PYTHONPATH": f"{place}{os.pathsep}{_ROOT}"}


def run(test: str, place: Path = _ROOT) -> str:
    """Run a test with the package that is in `place`; return how it ends."""
    imported = "import crdtctl; print(crdtctl.__file__)"
    # -P: the directory that the test runs in does not come first.
    python = [sys.executable, "-P"]
    found = subprocess.run(
        [*python, "-c", imported], env=_environment(place), capture_output=True, text=True, check=True
    )
    assert Path(found.stdout.strip()).parent == place / "crdtctl", found.stdout
    options = ["-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", "-x", "-q", "-rs"]
    done = subprocess.run(
        [*python, "-m", "pytest", *options, test],
        cwd=_ROOT,
        env=_environment(place),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == _TESTS_FAILED:
        return FAILED
    assert done.returncode == 0, done.stdout + done.stderr  # no such test, or it cannot even begin
    return PASSED if " passed" in done.stdout.splitlines()[-1] else SKIPPED


_COPIES = "tests/torture/test_copies.py::"
_EXACT = f"{_COPIES}test_what_a_copy_or_an_older_version_says_counts_exactly_once"
_REPORTED = f"{_COPIES}test_a_copy_that_nothing_gives_away_is_reported_and_its_branches_are_kept"
_CLONED = f"{_REPORTED}[copy: image of ext4, with the state directory, in the same place]"

MUTANTS: tuple[Mutant, ...] = (
    Mutant(
        "no lock",
        (Edit("store/durable.py", "        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "        pass\n"),),
        "tests/commands/test_contention.py::test_increments_decrements_batches_keys_and_merges_at_once_add_up",
        quick=False,
    ),
    Mutant(
        "no fsync of the directory",
        (Edit("store/durable.py", "        sync_directory(self.directory)\n", ""),),
        "tests/store/test_draft.py::test_a_directory_that_cannot_be_synced_leaves_the_outcome_open",
    ),
    Mutant(
        "no fsync of the file",
        (Edit("store/durable.py", "        os.fsync(self.fd)\n", ""),),
        "tests/store/test_draft.py::test_a_file_that_cannot_be_synced_is_not_put_in_place",
    ),
    Mutant(
        "written in place",
        (
            Edit("store/durable.py", 'f"{self.file}.{os.getpid()}-{os.urandom(4).hex()}{NEW}"', "self.file"),
            Edit(
                "store/durable.py",
                "os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC\n        self.fd",
                "os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC\n        self.fd",
            ),
        ),
        "tests/store/test_readers.py::test_a_reader_sees_whole_states_that_never_go_back_while_others_count_and_merge",
        quick=False,
    ),
    Mutant(
        "a copy keeps the id of the original",
        (
            Edit(
                "store/binding.py", '    if not bound:\n        return "unbound"\n', '    if True:\n        return ""\n'
            ),
        ),
        f"{_EXACT}[copy: cp -a]",
    ),
    Mutant(
        "the fast path keeps the id of the original",
        (Edit("fastpath/commit.py", "    if fault:\n", "    if False:\n"),),
        f"{_EXACT}[copy: cp -a]",
        quick=False,
    ),
    Mutant(
        "the witness is not read",
        (Edit("store/binding.py", "said[:-1].isdigit() else None", "said[:-1].isdigit() and False else -1"),),
        f"{_EXACT}[roll-back: image of ext4, without the state directory]",
    ),
    Mutant(
        "a stream acknowledges what it did not commit",
        (Edit("store/group_commit.py", "        commit(_together(asked), len(group), None)\n", "        pass\n"),),
        "tests/library/test_stream.py::test_flush_returns_when_all_is_on_disk",
    ),
    Mutant(
        "the position in a followed file is not in the commit",
        (Edit("store/apply.py", "step.taken(own.source.head.follows) if step else None", "None"),),
        "tests/store/test_follower.py::test_every_line_counts_once_through_rotations_and_kills",
    ),
    Mutant(
        "files that were rotated in between are not read",
        (Edit("store/rotation.py", "    if not number:\n", "    if True:\n"),),
        "tests/commands/test_follow.py::test_rotated_files_are_read_to_their_ends_after_a_restart",
    ),
    Mutant(
        "a rotated file is left before its writer leaves it",
        (Edit("store/follower.py", "(is_last and not found.status.st_size)", "(is_last and False)"),),
        "tests/store/test_follower.py::test_renamed_file_is_read_until_the_new_one_has_content",
    ),
    Mutant(
        "an emptied file is not noticed",
        (Edit("store/follower.py", "        if not before.are_in(self.fd):\n", "        if False:\n"),),
        "tests/store/test_follower.py::test_emptied_file_is_read_from_its_beginning_and_noted",
    ),
    Mutant(
        "an unfinished line is counted",
        (
            Edit(
                "store/follower.py",
                "        if is_left and len(block) < _BLOCK:\n",
                "        if len(block) < _BLOCK:\n",
            ),
        ),
        "tests/store/test_follower.py::test_last_line_waits_for_its_end",
    ),
    Mutant(
        "two followers of one file both count",
        (
            Edit(
                "store/followed.py",
                "        if follows.get(self.key) != (",
                "        if False and follows.get(self.key) != (",
            ),
        ),
        "tests/store/test_follower.py::test_two_followers_of_one_file_do_not_count_twice",
    ),
    Mutant(
        "joined by sum",
        (Edit("crdt/lattice.py", "return a if a >= b else b", "return a + b"),),
        "tests/crdt/test_join_laws.py::test_join_is_idempotent_and_a_repeated_merge_changes_nothing",
    ),
    Mutant(
        "joined by sum, in the inlined join",
        (Edit("crdt/lattice.py", "a1 if a1 > b1 else b1,", "a1 + b1,"),),
        "tests/crdt/test_join_laws.py::test_counters_are_joined_as_their_contributions_are",
    ),
    Mutant(
        "the left value wins",
        (Edit("crdt/lattice.py", "return a if a >= b else b", "return a"),),
        "tests/crdt/test_join_laws.py::test_join_is_commutative",
    ),
    Mutant(
        "a delta ships differences (each commit taken for one)",
        (
            Edit(
                "crdt/base.py",
                "return {a: c for a, c in entries.items() if c[0] > since.get(a, 0)}",
                "return {a: (c[0], *(max(x - since.get(a, 0), 0) if isinstance(x, int) else x for x in c[1:]))"
                " for a, c in entries.items() if c[0] > since.get(a, 0)}",
            ),
        ),
        "tests/crdt/test_delta_laws.py::test_a_delta_carries_absolute_totals_never_differences",
    ),
    Mutant(
        "a state is exported without a marker",
        (
            Edit(
                "store/transaction.py",
                "        if own.seq > own.history.exported:\n            self.write_own",
                "        if False:\n            self.write_own",
            ),
        ),
        _CLONED,
        quick=False,
    ),
    Mutant(
        "the branches of a fork are joined without a report",
        (
            Edit(
                "crdt/histories.py",
                "return min((number for number in a.keys() & b.keys() if a[number] != b[number]), default=0)",
                "return 0",
            ),
        ),
        _CLONED,
    ),
    Mutant(
        "an idempotency key counts once for each replica",
        (
            Edit(
                "crdt/additive_values.py",
                "for one in found], larger, str)",
                "for one in found], lambda a, b: tuple(map(sum, zip(a, b))), str)",
            ),
        ),
        "tests/commands/test_once.py::test_two_replicas_that_never_met_count_a_key_once",
    ),
    Mutant(
        "a reset cancels nothing",
        (Edit("crdt/additive_values.py", "        if marks:\n", "        if False:\n"),),
        "tests/crdt/test_oracle.py::test_every_replica_reads_exactly_the_operations_that_it_has_seen",
    ),
    Mutant(
        "the checksum is not verified",
        (Edit("codec/reader.py", "if self.trailer != trailer(checksum):", "if False:"),),
        "tests/codec/test_damage.py::test_lines_of_two_files_put_together_are_refused",
    ),
    Mutant(
        "a directory is opened through a link of another user",
        (Edit("store/durable.py", "os.O_DIRECTORY | os.O_NOFOLLOW", "os.O_DIRECTORY"),),
        "tests/store/test_directory.py::test_a_directory_behind_a_symbolic_link_of_another_user_is_refused",
    ),
    Mutant(
        "a state is opened through a link",
        (
            Edit(
                "store/durable.py",
                "return os.open(name, os.O_RDONLY | os.O_NOFOLLOW",
                "return os.open(name, os.O_RDONLY",
            ),
        ),
        "tests/store/test_directory.py::test_a_state_that_is_not_a_regular_file_of_its_own_is_refused[own.json-symlink-0]",
    ),
)


_RECENT = "tests/store/test_recent.py::"
_MOVED = f"{_RECENT}test_changes_that_moved_to_own_json_count_once_if_nothing_happened_after_that"
_ORDER = "tests/store/test_write_order.py::"
_IF_IT_DIFFERS = '            if b"%08x" % zlib.crc32(found) != self._sums[8 * number : 8 * number + 8]:\n'

MUTANTS += (
    Mutant(
        "no fsync of own.recent.json",
        (
            Edit(
                "store/durable.py",
                "        os.fsync(self.fd)\n",
                '        "recent" in self.file or os.fsync(self.fd)\n',
            ),
        ),
        f"{_ORDER}test_a_commit_of_a_large_replica_replaces_own_recent_json[increment builds]",
    ),
    Mutant(
        "own.recent.json is emptied before own.json is on disk",
        (
            Edit(
                "store/files.py",
                "        data = self._write_whole(",
                "        self._write_recent(lock, old, _NO_BASE, [])\n        data = self._write_whole(",
            ),
        ),
        f"{_ORDER}test_changes_move_to_own_json_before_own_recent_json_is_replaced",
    ),
    Mutant(
        "an own.recent.json of an older own.json is used",
        (
            Edit("store/joined.py", "    if nonce.decode() == own.head.base:\n", "    if True:\n"),
            Edit("store/joined.py", "        if size != own.size:\n", "        if False:\n"),
        ),
        f"{_MOVED}[full]",
    ),
    Mutant(
        "the fast path uses an own.recent.json of an older own.json",
        (
            Edit(
                "store/recent.py",
                "        if not first.startswith(",
                "        if not first or first.startswith(b'-') and (",
            ),
            Edit("store/recent.py", "        if os.fstat(own).st_size != self._own.size:\n", "        if False:\n"),
            Edit("store/recent.py", _IF_IT_DIFFERS, "            if False:\n"),
        ),
        f"{_MOVED}[fast]",
    ),
    Mutant(
        "a block of own.json is not verified",
        (Edit("store/recent.py", _IF_IT_DIFFERS, "            if False:\n"),),
        f"{_RECENT}test_a_damaged_block_of_own_json_is_never_counted_on",
    ),
    Mutant(
        "a block is compared with the checksum of the next one",
        (Edit("store/recent.py", "[8 * number : 8 * number + 8]", "[8 * number + 8 : 8 * number + 16]"),),
        f"{_RECENT}test_an_increment_of_a_large_replica_replaces_own_recent_json_alone[fast]",
    ),
    Mutant(
        "the file identity of own.recent.json is not compared",
        (Edit("store/files.py", 'else binding.fault(beside, recent.head.binding, "", 0)', 'else ""'),),
        f"{_RECENT}test_an_older_version_of_the_files_gets_a_new_id[an equal own.recent.json]",
    ),
    Mutant(
        "a missing own.recent.json is ignored",
        (
            Edit(
                "store/files.py",
                '                raise missing(self.file(f"{OWN}{RECENT}"))\n',
                "                return own\n",
            ),
        ),
        f"{_RECENT}test_a_missing_file_is_reported_by_every_reader",
    ),
)


def measure(part: float) -> list[Row]:
    """Return the row of the mutants."""
    from tests.torture.mutants_of_laws import MUTANTS_OF_LAWS  # only here: it uses `Mutant`

    mutants = [mutant for mutant in (*MUTANTS, *MUTANTS_OF_LAWS) if mutant.quick or part >= 1]
    before = {test: run(test) for test in dict.fromkeys(mutant.test for mutant in mutants)}
    notes, caught, skipped = [], 0, 0
    for mutant in mutants:
        if before[mutant.test] == SKIPPED:
            skipped += 1
            notes.append(f"skipped: {mutant.name}, for its test is skipped here: {mutant.test}")
            continue
        is_caught = before[mutant.test] == PASSED and mutant.tried() == FAILED
        caught += is_caught
        without = "" if before[mutant.test] == PASSED else " (it fails without the mutant too)"
        file = mutant.test.partition("::")[0]
        notes.append(f"{'caught' if is_caught else 'NOT CAUGHT'}: {mutant.name}, by {file}{without}")
    tried = len(mutants) - skipped
    seen = f"{caught} of {tried} caught"
    return [
        Row(
            "the tests themselves: mutants of the program",
            "each fails the test named for it",
            seen,
            caught == tried,
            notes,
        )
    ]
