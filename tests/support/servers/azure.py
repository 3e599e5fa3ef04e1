"""Azurite's blob server on loopback, as a process of its own."""

import hashlib
import hmac
import re
import shutil
import subprocess
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from http.client import HTTPConnection
from pathlib import Path

import pytest

_LISTENS = re.compile(r"successfully listens on http://(127\.0\.0\.1:\d+)")
#: The account that Azurite has, with the key that it publishes.
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_OPTIONS = [
    "--blobHost",
    "127.0.0.1",
    "--blobPort",
    "0",
    "--inMemoryPersistence",
    "--disableTelemetry",
    "--skipApiVersionCheck",
]
_VERSION = "2021-08-06"


@dataclass
class Azure:
    """A server that runs."""

    address: str
    containers: int = 0

    @property
    def environment(self) -> dict[str, str]:
        """What a client is told, in the variables of Azure."""
        return {
            "AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT,
            "AZURE_STORAGE_ACCOUNT_KEY": _KEY,
            "AZURE_STORAGE_ENDPOINT": f"http://{self.address}/{_ACCOUNT}",
        }

    def new_container(self) -> str:
        """Make a container, and return its name."""
        self.containers += 1
        name = f"container-{self.containers}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": _VERSION}
        signed = "\n".join(
            [
                "PUT",
                *[""] * 11,
                *(f"{key}:{value}" for key, value in headers.items()),
                f"/{_ACCOUNT}/{_ACCOUNT}/{name}",
                "restype:container",
            ]
        )
        signature = b64encode(hmac.digest(b64decode(_KEY), signed.encode(), hashlib.sha256)).decode()
        headers |= {"Authorization": f"SharedKey {_ACCOUNT}:{signature}", "Content-Length": "0"}
        connection = HTTPConnection(self.address)
        connection.request("PUT", f"/{_ACCOUNT}/{name}?restype=container", headers=headers)
        response = connection.getresponse()
        assert response.status == 201, response.read()
        connection.close()
        return name


@contextmanager
def serving(directory: Path) -> Iterator[Azure]:
    """Run a server, and stop it by its own process id."""
    program = shutil.which("azurite-blob")
    if program is None:
        pytest.skip("there is no azurite-blob: npm install -g azurite")
    log = directory / "azure.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *_OPTIONS],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=directory,
        )
    try:
        while not (found := _LISTENS.search(log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield Azure(found[1])
    finally:
        process.kill()
        process.wait()
