"""Versions that are times in whole seconds: a file that was overwritten within that second is read again."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from crdtctl import Replica, synchronize
from crdtctl.sync import connecting
from crdtctl.sync.plan import is_coarse
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import ListedObject
from crdtctl.sync.transports.folder.transport import Folder


class Seconds(Folder):
    """A folder that knows times in whole seconds only, all of the same one; it counts what is read."""

    read: list[str]

    def list(self) -> Sequence[ListedObject]:
        return [ListedObject(entry.name, entry.size, "1764259200") for entry in super().list()]

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        self.read.append(name)
        super().get(name, write)


def test_what_is_overwritten_within_the_second_is_read(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    hub.mkdir()
    writer, reader = new_replica("writer"), new_replica("reader")
    for _ in range(40):  # so that its header has its full length
        writer.increment("builds")
        writer.export_bytes()
    read: list[str] = []
    monkeypatch.setattr(Seconds, "read", read, raising=False)
    monkeypatch.setattr(connecting, "connect", lambda url, *rest: Seconds(Endpoint(url, url, *rest)))
    writer.export_to(hub / "w.json")
    size = (hub / "w.json").stat().st_size
    synchronize(reader, str(hub))
    writer.increment("builds")
    writer.export_to(hub / "w.json")
    assert (hub / "w.json").stat().st_size == size
    now = time.time()
    with monkeypatch.context() as later:
        later.setattr(time, "time", lambda: now + 3)
        synchronize(reader, str(hub))
        assert reader.value("builds") == 41
        read.clear()
        synchronize(reader, str(hub))
        assert read == []  # once is enough


@pytest.mark.parametrize(
    ("version", "coarse"),
    [
        ("1764259200", True),
        ("Sun, 06 Nov 1994 08:49:37 GMT 12", True),
        ('"69286a80-1c"', True),
        ('W/"69286a80-1c"', True),
        ("2026-11-27T16:10:05.000000000Z ", True),
        ("2026-11-27T16:10:05.123456789Z 7", False),
        ("1764259200123456789.77.1764259200123456789", False),
        ('"d41d8cd98f00b204e9800998ecf8427e"', False),
        ("0123456789abcdef0123456789abcdef01234567", False),
    ],
)
def test_versions_in_whole_seconds_are_known_by_their_form(version: str, coarse: bool) -> None:
    assert is_coarse(version) is coarse
