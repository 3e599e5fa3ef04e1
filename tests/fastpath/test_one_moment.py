"""A value is of one moment of both files, while a replica is absorbed: its count moves from one file to the other."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica, fastpath
from crdtctl.cli.main import main

#: Called before known.json is opened. A hook of Python cannot be removed, so it is switched off.
_before_open: list[Callable[[], object]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and _before_open and arguments[0] == "known.json":
        _before_open.pop()()


sys.addaudithook(_hook)


@pytest.mark.parametrize("run", [fastpath.run, main], ids=["fast path", "full command"])
def test_show_counts_a_replica_once_that_is_absorbed_between_its_two_reads(
    replica: Replica, tmp_path: Path, run: Callable[[list[str]], int | None], capfd: pytest.CaptureFixture[str]
) -> None:
    sealed = Replica.init(tmp_path / "sealed", name="sealed")
    sealed.increment("builds")
    replica.increment("builds", 3)
    replica.merge_bytes(sealed.export_bytes())
    sealed.seal()
    state = sealed.export_bytes()
    _before_open.append(lambda: replica.absorb(state))
    status = run(["show", "builds", "--replica", replica.path])
    assert not _before_open
    assert (status, capfd.readouterr().out) in ((0, "4\n"), (None, ""))  # the fast path declines after an absorption
    assert replica.value("builds") == 4
