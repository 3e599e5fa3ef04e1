"""Transient errors are retried a few times, with growing pauses, and never beyond the deadline."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import CrdtctlError, TransientError, UnavailableError
from crdtctl.sync import connecting, engine, schemes
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.report import Options
from crdtctl.sync.retry import ATTEMPTS, RetryingTransport, retry
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import Deadline, ListedObject, Transport
from crdtctl.sync.transports.folder.transport import Folder
from tests.support.unchecked import synchronize
from tests.sync.conformance import content_of


def failing(times: int, error: Exception, calls: list[int]) -> int:
    calls.append(1)
    if len(calls) <= times:
        raise error
    return 42


@pytest.mark.parametrize("times", range(ATTEMPTS))
def test_it_is_tried_again_until_it_works(times: int) -> None:
    pauses: list[float] = []
    calls: list[int] = []
    assert retry(lambda: failing(times, TransientError("later"), calls), Deadline(60), pauses.append) == 42
    assert len(calls) == times + 1
    assert len(pauses) == times
    assert all(0 < pause < 5 for pause in pauses)


def test_after_some_tries_it_is_told() -> None:
    pauses: list[float] = []
    calls: list[int] = []
    with pytest.raises(TransientError, match="later"):
        retry(lambda: failing(ATTEMPTS, TransientError("later"), calls), Deadline(60), pauses.append)
    assert len(calls) == ATTEMPTS


def test_reason_is_raised_where_the_deadline_cuts_the_next_attempt_short() -> None:
    deadline = Deadline(60)
    calls: list[int] = []

    def call() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise TransientError("the network is away")
        deadline.end()
        raise deadline.error()

    with pytest.raises(TransientError, match="the network is away"):
        retry(call, deadline, lambda _: None)
    assert len(calls) == 2


def test_the_pauses_grow_and_are_not_the_same_for_all() -> None:
    drawn = []
    for _ in range(20):
        pauses: list[float] = []
        with pytest.raises(TransientError):
            retry(lambda: failing(ATTEMPTS, TransientError("later"), []), Deadline(60), pauses.append)
        assert pauses[-1] > pauses[0]
        drawn.append(tuple(pauses))
    assert len(set(drawn)) > 1


def test_what_does_not_pass_is_told_at_once() -> None:
    calls: list[int] = []
    with pytest.raises(UnavailableError):
        retry(lambda: failing(1, UnavailableError("never"), calls), Deadline(60), lambda _: None)
    assert len(calls) == 1


def test_nothing_is_waited_for_beyond_the_time_there_is() -> None:
    calls: list[int] = []
    pauses: list[float] = []
    with pytest.raises(TransientError, match="later"):
        retry(lambda: failing(9, TransientError("later"), calls), Deadline(0.01), pauses.append)
    assert (len(calls), pauses) == (1, [])


def test_a_time_that_is_over_can_begin_again() -> None:
    deadline = Deadline(0)
    with pytest.raises(TransientError, match="after 0 seconds"):
        deadline.remaining()
    deadline = Deadline(60)
    deadline.renew()
    assert deadline.remaining() > 0


class Hurried(Deadline):
    """A deadline that counts pauses instead of waiting."""

    pauses = 0

    def sleep(self, seconds: float) -> None:
        self.pauses += 1


class Flaky(Transport):
    """A transport whose operations fail with a transient error at the first call for each name."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def _call(self, *words: str) -> None:
        self.calls.append(" ".join(words))
        if self.calls.count(self.calls[-1]) == 1:
            raise TransientError("later")

    def list(self) -> Sequence[ListedObject]:
        self._call("list")
        return [ListedObject("a", 1), ListedObject("b", 1)]

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        if name == "b":
            self._call("get", name)
        else:
            self.calls.append(f"get {name}")
        write(b"{")

    def put(self, name: str, path: str) -> None:
        self._call("put", name)
        self.made = "a folder"

    def delete(self, name: str) -> None:
        self._call("delete", name)

    def flush(self) -> None:
        self._call("flush")


def test_retrying_transport_repeats_each_operation_and_reads_only_failed_files_again(tmp_path: Path) -> None:
    flaky, deadline = Flaky(), Hurried(60)
    transport = RetryingTransport(flaky, deadline)
    entries = transport.list()
    results = [(entry.name, content_of(found)) for entry, found in transport.fetch(entries, str(tmp_path))]
    assert results == [("a", b"{"), ("b", b"{")]
    transport.put("c", "")
    transport.delete("c")
    transport.flush()
    assert transport.made == "a folder"
    assert flaky.calls == ["list"] * 2 + ["get a"] + ["get b"] * 2 + ["put c"] * 2 + ["delete c"] * 2 + ["flush"] * 2
    assert deadline.pauses == 5


class Silent(Transport):
    """A remote that does not answer as long as there is time."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline

    def list(self) -> Sequence[ListedObject]:
        while True:
            time.sleep(min(0.05, self._deadline.remaining()))

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        raise NotImplementedError

    def put(self, name: str, path: str) -> None:
        raise NotImplementedError

    def delete(self, name: str) -> None:
        raise NotImplementedError


def test_one_that_does_not_answer_leaves_the_others_their_time(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return Silent(deadline) if url == "/silent" else schemes.connect(url, deadline, state)

    monkeypatch.setattr(connecting, "connect", connect)
    monkeypatch.setattr(engine, "is_local_folder", lambda _: False)
    here = new_replica("here")
    here.increment("builds")
    report = synchronize(here, "/silent", f"{tmp_path}/hub", options=Options(timeout=3))
    assert [type(one.error) for one in report.remotes] == [TransientError, type(None)]
    assert len(list((tmp_path / "hub").iterdir())) == 1


class Breaking(Folder):
    """A folder whose line is cut at the second file, once."""

    cuts = 1

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        for number, found in enumerate(super().fetch(entries, directory)):
            if number and Breaking.cuts:
                Breaking.cuts -= 1
                raise TransientError("the line was cut")
            yield found


def test_what_a_line_that_was_cut_has_not_brought_is_read_at_the_next_try(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        other = new_replica(name)
        other.increment("builds")
        synchronize(other, f"{tmp_path}/hub")
    monkeypatch.setattr(connecting, "connect", lambda url, *rest: Breaking(Endpoint(url, url, *rest)))
    here = new_replica("here")
    [report] = synchronize(here, f"{tmp_path}/hub").remotes
    assert report.error is None
    assert (here.value("builds"), Breaking.cuts) == (3, 0)
