"""An own.json that may be a copy: the fast path declines it, for the reason that the full command finds."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica, fastpath
from crdtctl.store.files import Directory
from crdtctl.store.own_file import OwnFile
from tests.support.stored_states import with_new_checksum


def read_own(path: str) -> OwnFile:
    directory = Directory(path)
    try:
        return directory.read_own()
    finally:
        directory.close()


def edit(path: str, old: str, new: str) -> None:
    """Replace a text in own.json, in place: the file stays the same file."""
    own = Path(path, "own.json")
    own.write_bytes(with_new_checksum(own.read_bytes().replace(old.encode(), new.encode(), 1)))


def _unbind(path: str) -> None:
    edit(path, f',"binding":"{read_own(path).source.head.binding}"', "")


def _link(path: str) -> None:
    os.link(f"{path}/own.json", f"{path}/again")


def _copy(path: str) -> None:
    shutil.copy(f"{path}/own.json", f"{path}/copied")
    os.replace(f"{path}/copied", f"{path}/own.json")


def _move(path: str) -> None:
    bound = read_own(path).source.head.binding
    edit(path, bound, f"{bound.rpartition('.')[0]}.00000000")


def _delete_witness(path: str) -> None:
    Path(read_own(path).source.head.witness).unlink()


def _count_elsewhere(path: str) -> None:
    own = read_own(path)
    Path(own.source.head.witness).write_text(f"{own.writes + 1:016}\n")


def _leave_alone(path: str) -> None:
    pass


DEEDS: dict[str, Callable[[str], None]] = {
    "": _leave_alone,
    "unbound": _unbind,
    "linked": _link,
    "copied": _copy,
    "moved": _move,
    "unwitnessed": _delete_witness,
    "restored": _count_elsewhere,
}


@pytest.mark.parametrize("reason", DEEDS)
def test_fast_path_declines_an_own_file_that_may_be_a_copy(
    replica: Replica, reason: str, request: pytest.FixtureRequest
) -> None:
    replica.increment("builds", 3)
    DEEDS[reason](replica.path)
    before = Path(replica.path, "own.json").read_bytes()
    assert read_own(replica.path).identity_fault == reason
    status = fastpath.run(["increment", "builds", "--replica", replica.path])
    assert status == (None if reason else 0)
    assert (Path(replica.path, "own.json").read_bytes() == before) == bool(reason)
