"""HTTP servers on loopback that are not as they should be."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit


@contextmanager
def silent() -> Iterator[tuple[str, socket.socket]]:
    """Take connections and never answer; yield the URL, and the socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", listening


@contextmanager
def saying(answer: bytes, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Say the same to whoever asks, and hang up; yield host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_all() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:  # it was shut down
                    return
                with (
                    suppress(OSError),
                    context.wrap_socket(connection, server_side=True) if context else connection as talking,
                ):
                    talking.recv(2**16)
                    talking.sendall(answer)

        thread = Thread(target=answer_all)
        thread.start()
        try:
            yield f"127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def nobody() -> str:
    """Return a URL where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"


class Front(ThreadingHTTPServer):
    """Gives the answers in `first`, one for each request; then passes all on to the server at `behind`."""

    daemon_threads = True

    def __init__(self, first: Sequence[tuple[int, bytes]], behind: str = "") -> None:
        self.first = list(first)
        self.behind = urlsplit(behind).netloc
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Front

    def _answer(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.server.first:
            status, body = self.server.first.pop(0)
            headers = []
        else:
            connection = HTTPConnection(self.server.behind)
            connection.request(self.command, self.path, content, dict(self.headers.items()))
            response = connection.getresponse()
            status, body = response.status, response.read()
            headers = [one for one in response.getheaders() if one[0].lower() in ("etag", "last-modified")]
            connection.close()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = do_POST = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def front(first: Sequence[tuple[int, bytes]], behind: str = "") -> Iterator[Front]:
    """Run a `Front`."""
    with Front(first, behind) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
