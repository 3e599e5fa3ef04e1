"""``config.toml``: settings, for people to edit."""

import os
from collections.abc import Iterator
from pathlib import Path

import filelock
import pytest

from crdtctl import Replica
from crdtctl.errors import BusyError, ConfigError
from crdtctl.store import config
from crdtctl.store.config import TEMPLATE, Config, RemoteSettings
from tests.conftest import Shell


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def read(place: Path) -> Config:
    fd = os.open(place.parent, os.O_RDONLY)
    try:
        return config.read(fd, "the settings")
    finally:
        os.close(fd)


def test_without_a_file_everything_has_its_default(place: Path) -> None:
    assert read(place) == Config() == Config(lock_timeout=30.0)


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_and_ends_of_lines_as_in_dos_change_nothing(place: Path, coding: str) -> None:
    place.write_bytes('lock_timeout = 5\r\n[remotes]\r\nhub = "./é"\r\n'.encode(coding))
    assert read(place) == Config(5.0, {"hub": RemoteSettings("./é")})


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ('hub = "/a"', ("/a", "", False)),
        ('hub = { url = "/a" }', ("/a", "", False)),
        ('hub = { url = "/a", only = "pull" }', ("/a", "pull", False)),
        ('hub = { url = "/a", keep_old = true }', ("/a", "", True)),
        ('hub.url = "/a"\nhub.only = "push"\nhub.keep_old = true', ("/a", "push", True)),
    ],
)
def test_remote_is_a_url_or_a_table_with_limits(place: Path, text: str, settings: tuple[str, str, bool]) -> None:
    place.write_text(f"[remotes]\n{text}\n")
    assert read(place).remotes == {"hub": RemoteSettings(*settings)}


def test_the_file_that_comes_with_a_replica_sets_nothing_and_shows_the_defaults(place: Path) -> None:
    place.write_text(TEMPLATE)
    assert read(place) == Config()
    place.write_text(TEMPLATE.replace("# lock_timeout", "lock_timeout"))
    assert read(place) == Config()


@pytest.mark.parametrize(("text", "seconds"), [("0", 0.0), ("5", 5.0), ("0.25", 0.25), ("1e9", 1e9), ("1_000", 1000.0)])
def test_a_timeout_is_a_number_of_seconds(place: Path, text: str, seconds: float) -> None:
    place.write_text(f"lock_timeout = {text}\n")
    assert read(place) == Config(lock_timeout=seconds)


@pytest.mark.parametrize(
    "text",
    [
        *(
            f"lock_timeout = {value}\n"
            for value in ("true", '"5"', "-1", "nan", "inf", "-inf", "2e9", "[5]", "1979-05-27")
        ),
        "lock_timeout\n",
        "lock_timeout = 5\nlock_timeout = 6\n",
        "lock_timout = 5\n",
        "[remotes.hub]\npath = 'x'\n",
        "{}",
        "\x00",
        "a" * 5000,
        "x = " + "[" * 5000 + "]" * 5000,
        "#" * (2**16 + 1),
        "a" + ".a" * 20_000 + " = 1",
        "a = {" + "a" + ".a" * 20_000 + " = 1}",
        "lock_timeout = 1" + "0" * 5000,
        "lock_timeout = 0x" + "f" * 5000,
    ],
    ids=lambda text: text[:24].strip() or "nothing",
)
def test_whatever_is_wrong_is_told_in_one_line_that_names_the_file(place: Path, text: str) -> None:
    place.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read(place)
    assert caught.value.status == 78
    assert "the settings" in caught.value.message
    assert caught.value.message.isprintable()
    assert caught.value.hint == "correct it, or delete it to have the defaults"


def test_a_file_that_is_not_utf_8_is_wrong(place: Path) -> None:
    place.write_bytes(b"lock_timeout = 5 # \xff\n")
    with pytest.raises(ConfigError, match="the settings"):
        read(place)


@pytest.mark.parametrize("form", ["symlink", "directory", "fifo", "loop"])
def test_a_file_that_is_no_file_is_wrong_and_hangs_nobody(place: Path, form: str) -> None:
    match form:
        case "symlink":
            place.symlink_to("/dev/zero")
        case "directory":
            place.mkdir()
        case "fifo":
            os.mkfifo(place)
        case _:
            place.symlink_to("config.toml")
    with pytest.raises(ConfigError) as caught:
        read(place)
    assert caught.value.status == 78


@pytest.fixture
def held_own_lock(replica: Replica) -> Iterator[filelock.BaseFileLock]:
    with filelock.FileLock(f"{replica.path}/own.lock", fallback_to_soft=False) as lock:
        yield lock


def test_settings_are_read_only_where_one_matters(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds", "0")
    Path(replica.path, "config.toml").write_text("nonsense")
    shell.ok("increment", "builds")
    assert shell("increment", "fresh").status == 78  # they may say that a new counter keeps periods
    assert shell.ok("show", "builds") == "1\n"
    Path(replica.path, "config.toml").unlink()


def test_a_lock_is_waited_for_as_long_as_the_settings_say(
    replica: Replica, held_own_lock: filelock.BaseFileLock
) -> None:
    Path(replica.path, "config.toml").write_text("lock_timeout = 0.01\n")
    with pytest.raises(BusyError):
        replica.increment("builds")
    Path(replica.path, "config.toml").write_text("lock_timeout = soon\n")
    with pytest.raises(ConfigError):
        replica.increment("builds")
    Path(replica.path, "config.toml").unlink()


@pytest.mark.parametrize(
    "table",
    [
        "url = 5",
        'only = "pull"',
        'url = "/a", only = "both"',
        'url = "/a", only = ""',
        'url = "/a", only = ["pull"]',
        'url = "/a", keep_old = 1',
        'url = "/a", secret = "b"',
    ],
)
def test_wrong_settings_of_a_remote_are_reported_with_its_name(place: Path, table: str) -> None:
    place.write_text(f"[remotes]\nhub = {{ {table} }}\n")
    with pytest.raises(ConfigError, match="the remote hub"):
        read(place)
