"""Servers that count their requests and meet at a bucket."""

from collections.abc import Callable
from pathlib import Path

from tests.examples.recipes import EXAMPLES, Machine
from tests.support.servers.s3 import serving

RECIPE = EXAMPLES / "bucket.sh"


def access_log(path: Path, statuses: list[int]) -> Path:
    """Write a log as web servers do."""
    lines = [f'10.0.0.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" {status} 512\n' for status in statuses]
    path.write_text("".join(lines))
    return path


def test_logs_are_counted_once_and_servers_agree(machine: Callable[[str], Machine], tmp_path: Path) -> None:
    with serving(tmp_path) as s3:
        bucket = f"s3://{s3.new_bucket()}/web"
        # Both have one host name here, as they are one machine; so their logs have different names.
        servers = [machine(name).with_environment(**s3.environment) for name in ("web-1", "web-2")]
        logs = [
            access_log(server.home / f"access.{server.home.parent.name}.log", statuses)
            for server, statuses in zip(servers, ([200, 200, 404], [200, 500, 500]), strict=True)
        ]
        for server in servers:
            server.ok("crdtctl init")
        servers[0].ok([RECIPE, bucket, logs[0]])
        wanted = "status.200\tpncounter\t3\nstatus.404\tpncounter\t1\nstatus.500\tpncounter\t2\n"
        assert servers[1].ok([RECIPE, bucket, logs[1], logs[1]]) == wanted
        assert servers[0].ok([RECIPE, bucket, logs[0]]) == wanted
        for server in servers:
            for path in (server.home / ".crdtctl").rglob("*"):
                assert not path.is_file() or s3.secret.encode() not in path.read_bytes()
