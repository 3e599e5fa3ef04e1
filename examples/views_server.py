"""A web server that counts its page views: several processes, several threads in each, and no count is lost.

    python examples/views_server.py DIRECTORY [PORT [PROCESSES]]

DIRECTORY is a replica, which is made if it does not exist. Each request for a path adds 1 to ``views`` with the label
``path``. The server prints its address. SIGTERM ends it, and ``crdtctl --replica DIRECTORY show views`` is then exact.
"""

import os
import signal
import sys
from socketserver import ThreadingMixIn
from types import FrameType
from typing import TYPE_CHECKING
from urllib.parse import quote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from crdtctl import CrdtctlError, Replica

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class Server(ThreadingMixIn, WSGIServer):
    """A server with a thread for each request. Its end waits for them, as they are not daemons."""

    daemon_threads = False


class Quiet(WSGIRequestHandler):
    """A handler that writes no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name in the library
        """Write nothing."""


def application(replica: Replica) -> "WSGIApplication":
    """Return a web application that counts each request."""

    def page(environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")  # as WSGI passes it
        try:
            replica.counter("views", labels={"path": quote(path)}).inc()
        except CrdtctlError as error:  # for example a full disk: this view is not counted, all earlier ones wait
            start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
            return [f"{error}\n".encode()]
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"Hello.\n"]

    return page


def end(_signal: int, _frame: FrameType | None) -> None:
    """End this process as a program ends, so that what waits is committed."""
    sys.exit(0)


def main(directory: str, port: str = "0", processes: str = "2") -> None:
    """Serve with several processes that were forked from this one, until SIGTERM."""
    replica = Replica(directory) if os.path.exists(directory) else Replica.init(directory)
    server = make_server("127.0.0.1", int(port), application(replica), server_class=Server, handler_class=Quiet)
    signal.signal(signal.SIGTERM, end)
    workers: list[int] = []
    for _ in range(int(processes)):
        worker = os.fork()
        if worker == 0:
            server.serve_forever()
        workers.append(worker)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        signal.pause()
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGTERM)
        for worker in workers:
            os.waitpid(worker, 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
