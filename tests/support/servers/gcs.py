"""A stand-in for Google Cloud Storage on loopback: its XML interface, as far as a remote needs it.

No emulator of it can be installed from the usual registries. Objects are in memory. Listings have pages, so that a
client has to follow them, and each write of an object gives it a new generation and a new etag.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

#: Number of objects in one page of a listing.
_PAGE = 3


@dataclass(frozen=True)
class _Object:
    data: bytes
    generation: int
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def etag(self) -> str:
        """The tag of this version."""
        return f'"{md5(self.data, usedforsecurity=False).hexdigest()}-{self.generation}"'


@dataclass
class Gcs:
    """A server that runs: its address, and its buckets."""

    url: str = ""
    buckets: dict[str, dict[str, _Object]] = field(default_factory=dict)
    generations: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    requests: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which a client finds the server, and asks nobody for a token."""
        account = {"gcs_base_url": self.url, "disable_oauth": True, "client_email": "", "private_key": ""}
        return {
            "GOOGLE_BASE_URL": self.url,
            "GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps({**account, "private_key_id": ""}),
        }

    def new_bucket(self) -> str:
        """Make a bucket, and return its name."""
        name = f"bucket-{len(self.buckets) + 1}"
        self.buckets[name] = {}
        return name


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    gcs: ClassVar[Gcs]

    def _serve(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(size)
        if len(body) < size:  # the client is gone
            return
        address = urlsplit(self.path)
        bucket, _, name = address.path.removeprefix("/").partition("/")
        self.gcs.requests.append(f"{self.command} {address.path}")
        objects = self.gcs.buckets.get(unquote(bucket))
        if objects is None:
            self._fail(404, "NoSuchBucket")
        elif not name:
            self._list(objects, {key: values[0] for key, values in parse_qs(address.query).items()})
        elif self.command == "PUT":
            objects[unquote(name)] = made = _Object(body, next(self.gcs.generations))
            self._answer(200, b"", made)
        elif (found := objects.get(unquote(name))) is None:
            self._fail(404, "NoSuchKey")
        elif self.command == "DELETE":
            del objects[unquote(name)]
            self._answer(204, b"")
        else:
            self._answer(200, found.data, found)

    do_GET = do_PUT = do_DELETE = do_HEAD = _serve  # noqa: N815  # the names that the base calls

    def _list(self, objects: dict[str, _Object], asked: dict[str, str]) -> None:
        prefix, divider = asked.get("prefix", ""), asked.get("delimiter", "")
        found: dict[str, str] = {}
        for name, one in sorted(objects.items()):
            head, slash, _ = name[len(prefix) :].partition(divider) if divider else (name, "", "")
            if name.startswith(prefix) and slash:
                below = escape(f"{prefix}{head}{slash}")
                found[f"{prefix}{head}{slash}"] = f"<CommonPrefixes><Prefix>{below}</Prefix></CommonPrefixes>"
            elif name.startswith(prefix):
                found[name] = (
                    f"<Contents><Key>{escape(name)}</Key><Size>{len(one.data)}</Size>"
                    f"<LastModified>{one.modified:%Y-%m-%dT%H:%M:%S.%f}Z</LastModified>"
                    f"<ETag>{escape(one.etag)}</ETag><Generation>{one.generation}</Generation></Contents>"
                )
        left = [name for name in found if name > asked.get("continuation-token", "")]
        page, is_cut = left[:_PAGE], len(left) > _PAGE
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if is_cut else ""
        rows = "".join(found[name] for name in page)
        cut = str(is_cut).lower()
        text = f"<ListBucketResult><IsTruncated>{cut}</IsTruncated>{token}{rows}</ListBucketResult>"
        self._answer(200, text.encode())

    def _fail(self, status: int, code: str) -> None:
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _answer(self, status: int, body: bytes, one: _Object | None = None) -> None:
        self.send_response(status)
        if one is not None:
            self.send_header("ETag", one.etag)
            self.send_header("x-goog-generation", str(one.generation))
            self.send_header("Last-Modified", f"{one.modified:%a, %d %b %Y %H:%M:%S GMT}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name that the base has
        """Print nothing."""


@contextmanager
def serving() -> Iterator[Gcs]:
    """Serve in a thread of this process."""
    gcs = Gcs()
    handler = type("Handler", (_Handler,), {"gcs": gcs})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        gcs.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield gcs
        finally:
            server.shutdown()
            thread.join()
