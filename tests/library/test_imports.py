"""What an operation of a replica imports decides how long a short program takes. It is listed, not timed."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import crdtctl
from crdtctl import Replica

#: What each operation may import beyond what Python imports to start, and the modules of this package.
ALLOWED = {
    *("__future__", "_collections", "_json", "_stat", "errno", "fcntl", "itertools", "stat", "time", "zlib"),
    *("_collections_abc", "genericpath", "os", "os.path", "posixpath"),  # of os
}
#: Operation → the further modules that it may import.
OPERATIONS: dict[str, set[str]] = {
    "pass": set(),
    "replica.increment('builds')": set(),
    "replica.increment('builds', 2, once='job-7')": set(),
    "replica.decrement('free slots')": set(),
    "replica.add('visitors', 'ada')": set(),
    "replica.reset('builds')": set(),
    "replica.value('builds')": set(),
    "replica.reading('builds').shares": set(),
    "replica.clock()": set(),
    "replica.heard(), replica.past(), replica.forks(), replica.retired()": set(),
    "replica.is_sealed, replica.tier, replica.commits, replica.id": set(),
    "replica.remotes()": set(),
    "replica.log()": set(),
    "list(replica.counters())": {"_heapq", "heapq"},
    "replica.export_bytes()": {"_heapq", "heapq", "binascii"},
    "replica.export_to('out.json')": {"_heapq", "heapq", "binascii"},
    "replica.merge('other.json')": {"_heapq", "heapq"},
    "replica.merge_bytes(open('other.json', 'rb').read())": {"_heapq", "heapq"},
    "replica.check()": set(),
}
#: Prints the modules that an operation imports. The directories of packages are no part of what Python starts with.
PROGRAM = """
import sys
before = set(sys.modules)
sys.path += sys.argv[1].split(":")
from crdtctl import Replica
replica = Replica("here")
{operation}
print(*sorted(set(sys.modules) - before))
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a directory with a replica that has merged before, and with the state of another one."""
    here, other = (Replica.init(tmp_path / name, name=name) for name in ("here", "other"))
    other.increment("builds")
    here.increment("builds")
    here.merge_bytes(other.export_bytes())
    other.increment("builds")
    other.export_to(tmp_path / "other.json")
    return tmp_path


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_imports_a_short_list_of_modules(directory: Path, operation: str) -> None:
    packages = f"{Path(crdtctl.__file__).parents[1]}:{sysconfig.get_path('purelib')}"
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM.format(operation=operation), packages],
        cwd=directory,
        capture_output=True,
        text=True,
        check=True,
    )
    found = set(done.stdout.split())
    assert "crdtctl.store.replica" in found
    assert {name for name in found if name.partition(".")[0] != "crdtctl"} <= ALLOWED | OPERATIONS[operation]
