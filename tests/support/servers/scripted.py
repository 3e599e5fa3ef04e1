"""A web server on loopback that answers whatever a test wants, also what no good server would."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

#: A body of this many bytes is left to the test to read, or not.
_LARGE = 2**24


@dataclass(frozen=True)
class Request:
    """What was asked: `path` as it stood in the request line; names of `headers` in small letters."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass
class Scripted:
    """A server that runs: its URL, and what was asked of it."""

    url: str
    requests: list[Request] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """A request, its body read, to be answered by `reply`, or with whatever is written to `wfile`."""

    protocol_version = "HTTP/1.1"

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer; an underscore in a header's name stands for a hyphen."""
        self.send_response(status)
        lengths = {} if "Content_Length" in headers else {"Content_Length": str(len(body))}
        for name, value in {**lengths, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def scripted(answer: Callable[[Handler], object], certificate: Path | None = None) -> Iterator[Scripted]:
    """Run a server in a thread of its own; it answers as `answer` does, which is told each request."""

    class Answering(Handler):
        def handle_any(self) -> None:
            running.requests.append(
                Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            )
            length = int(self.headers.get("Content-Length", "0"))
            if length < _LARGE:
                self.rfile.read(length)
            with suppress(OSError):
                answer(self)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_PROPFIND = do_MOVE = do_MKCOL = do_CONNECT = handle_any  # noqa: N815

    with _Server(("127.0.0.1", 0), Answering) as server:
        server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        running = Scripted(f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
