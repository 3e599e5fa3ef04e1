"""moto's S3 server on loopback, as a process of its own, with a user of its own: signatures are checked."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3  # type: ignore[import-untyped]
import pytest

_REGION = "us-east-1"
_LISTENS = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")
#: What anybody may do before signatures are checked: make the user, its key, and what it is allowed to do.
_UNCHECKED = 3
_ALLOWED = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass
class S3:
    """A server that runs: where, its log, and the key of its only user."""

    url: str
    log: Path
    key: str = ""
    secret: str = field(default="", repr=False)
    buckets: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a client is told, in the variables of AWS; nothing else is asked for credentials."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": _REGION,
            "AWS_METADATA_ENDPOINT": "http://127.0.0.1:1",
        }

    def client(self, service: str) -> Any:
        """Return a client of somebody else's, to look behind the back of ours."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=_REGION,
            aws_access_key_id=self.key or "anybody",
            aws_secret_access_key=self.secret or "anything",
        )

    def new_bucket(self) -> str:
        """Make a bucket, and return its name."""
        self.buckets += 1
        name = f"bucket-{self.buckets}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    def requests(self, bucket: str) -> list[str]:
        """Return what was asked of a bucket until now: ``GET /bucket/name``, without what follows a ``?``."""
        asked = re.findall(r'"(?:\x1b\[[0-9;]*m)*([A-Z]+ /[^ ?]*)', self.log.read_text())
        return [one for one in asked if one.split("/")[1] == bucket]


@contextmanager
def serving(directory: Path) -> Iterator[S3]:
    """Run a server, and stop it by its own process id."""
    program = Path(sys.executable).parent / "moto_server"
    if not program.exists():
        pytest.skip("there is no moto_server: pip install 'moto[s3]' flask flask-cors")
    log = directory / "s3.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-p", "0"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(_UNCHECKED)},
        )
    try:
        server = S3(_address(process, log), log)
        users = server.client("iam")
        users.create_user(UserName="counter")
        made = users.create_access_key(UserName="counter")["AccessKey"]
        users.put_user_policy(UserName="counter", PolicyName="all", PolicyDocument=json.dumps(_ALLOWED))
        server.key, server.secret = made["AccessKeyId"], made["SecretAccessKey"]
        yield server
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the server answers, and return its address."""
    while True:
        found = _LISTENS.search(log.read_text())
        if found:
            with urlopen(f"{found[1]}/moto-api/"):
                return found[1]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
