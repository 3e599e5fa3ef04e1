"""No command line, which all users of the machine can read, contains a credential."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.servers import githttp, s3, webdav
from tests.support.strace import needs_strace, prefix

PASSWORD = "correct-horse-42"
#: The URL of a remote, the environment that a user sets for it, the secret that serves there, the programs it starts.
Guarded = tuple[str, Mapping[str, str], str, int]


@contextmanager
def of_git(place: Path) -> Iterator[Guarded]:
    repository = place / "served" / "shared.git"
    subprocess.run(["git", "init", "--quiet", "--bare", repository], check=True)
    subprocess.run(["git", "-C", repository, "config", "http.receivepack", "true"], check=True)
    with githttp.git_http(place / "served") as url:
        kept = place / "kept"
        kept.write_text(url.replace("://", f"://{githttp.USER}:{githttp.PASSWORD}@") + "\n")
        settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper"}
        yield (
            f"git+{url}/shared.git",
            {**settings, "GIT_CONFIG_VALUE_0": f"store --file={kept}"},
            githttp.PASSWORD,
            3,
        )


@contextmanager
def of_the_web(place: Path) -> Iterator[Guarded]:
    with webdav.wsgidav(place / "server", {"ann": PASSWORD}) as server:
        environment = {"CRDTCTL_HTTP_USER": "ann", "CRDTCTL_HTTP_PASSWORD": PASSWORD}
        yield f"{server.url}/shared", environment, PASSWORD, 0


@contextmanager
def of_rclone(place: Path) -> Iterator[Guarded]:
    with webdav.wsgidav(place / "server", {"ann": PASSWORD}) as server:
        hidden = subprocess.run(["rclone", "obscure", "-"], input=PASSWORD, capture_output=True, text=True, check=True)
        secret = hidden.stdout.strip()
        environment = {"RCLONE_CONFIG_HUB_TYPE": "webdav", "RCLONE_CONFIG_HUB_URL": server.url}
        yield (
            "rclone:hub:shared",
            {**environment, "RCLONE_CONFIG_HUB_USER": "ann", "RCLONE_CONFIG_HUB_PASS": secret},
            secret,
            2,
        )


@contextmanager
def of_a_bucket(place: Path) -> Iterator[Guarded]:
    with s3.serving(place) as server:
        yield f"s3://{server.new_bucket()}/shared", server.environment, server.secret, 0


@needs_strace
@pytest.mark.parametrize("guarded", [of_git, of_the_web, of_rclone, of_a_bucket], ids=lambda made: made.__name__)
def test_no_program_that_a_sync_starts_is_told_a_credential_where_others_can_read_it(
    shell: Shell, replica: Replica, tmp_path: Path, guarded: Callable[[Path], AbstractContextManager[Guarded]]
) -> None:
    replica.increment("builds")
    place, log = tmp_path / "place", tmp_path / "strace.log"
    place.mkdir()
    with guarded(place) as (url, environment, secret, started):
        done = subprocess.run(
            [*prefix("execve", log=log), "-s", "100000", *PROGRAM, "sync", url],
            cwd=shell.directory,
            env={**shell.environment, "no_proxy": "127.0.0.1", **environment},
            capture_output=True,
            timeout=100,
            check=False,
        )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    words = [line for line in log.read_text().splitlines() if "execve(" in line]
    assert len(words) > started
    assert not any(secret in line for line in words)
    assert all(secret.encode() not in path.read_bytes() for path in Path(replica.path).rglob("*") if path.is_file())
