"""HTTP within a time: connections that are kept, proxies, redirects, credentials; every failure as one of ours.

On the standard library's own client, on which the others stand as well: what they would add, we would have to undo. A
time for all of it, not for each operation, is what none of them has.
"""

import http.client
import io
import os
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from email.message import Message
from functools import cached_property
from ipaddress import ip_address
from typing import Any, Final, TypeVar
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from crdtctl.errors import (
    AccessError,
    ConfigError,
    CrdtctlError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    UsageError,
    printable,
)
from crdtctl.sync.credentials import WHERE, authorization
from crdtctl.sync.transport import GLANCE, Deadline

_BLOCK = 2**18
#: So much of an answer that nobody reads is taken from the connection, to keep that.
_DRAINED = 2**16
_HOPS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
#: What only reads may be redirected: what is written goes where the user said, or nowhere.
_READS = ("GET", "HEAD", "PROPFIND")
_PORTS: Final = {"http": 80, "https": 443}
_T = TypeVar("_T")
#: Makes a call; whatever it raises has closed the connection, and is one of ours.
_Guarded = Callable[[Callable[[], Any]], Any]
#: What says that TLS was cut, and not that it is wrong.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def parsed(url: str) -> SplitResult:
    """Return the parts of a URL; raise `UsageError` unless it names a host, and a port that can be."""
    with suppress(ValueError):
        parts = urlsplit(url)
        host = parts.hostname or ""
        if parts.scheme in _PORTS and host.isascii() and host.encode("idna") and parts.port != 0:
            return parts
    raise UsageError(f"'{printable(url)}' is no URL of a web server", "it is like https://host:port/path")


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    """Return the scheme, host and port: whoever shares them gets the same credentials."""
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Reader(io.RawIOBase):
    """What a socket receives; each receive ends when all must end, so that no server can dribble for ever."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._user = sock.makefile("rb", buffering=0)  # until that is closed, the socket stays open
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        while True:
            self._socket.settimeout(min(self._deadline.remaining(), GLANCE))
            with suppress(TimeoutError):
                return self._socket.recv_into(buffer)

    def close(self) -> None:
        self._user.close()
        super().close()


class _Timed:
    """A connected socket, as far as the standard library's client uses it, with a time for all that is done with it."""

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self._socket = sock
        self._deadline = deadline

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(_Reader(self._socket, self._deadline))

    def sendall(self, data: Any) -> None:
        left = memoryview(data).cast("B")
        while left:
            self._socket.settimeout(self._deadline.remaining())
            left = left[self._socket.send(left) :]

    def close(self) -> None:
        self._socket.close()


class _Plain(http.client.HTTPConnection):
    deadline: Deadline

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Timed(self.sock, self.deadline)


class _Secure(http.client.HTTPSConnection):
    deadline: Deadline

    def connect(self) -> None:
        super().connect()
        self.sock: Any = _Timed(self.sock, self.deadline)


class Answer:
    """What a server answered: `url` is where, after redirects. Its body is read at most once."""

    def __init__(
        self, response: http.client.HTTPResponse, url: str, guarded: Callable[[Callable[[], Any]], Any]
    ) -> None:
        self.status = response.status
        self.headers: Message = response.headers
        self.url = url
        self._response = response
        self._guarded = guarded

    def pieces(self) -> Iterator[bytes]:
        """Yield the body; raise `TransientError` if it ends before its end."""
        while block := self._guarded(lambda: self._response.read(_BLOCK)):
            yield block
        if self._response.length:  # this much was to come, and the library does not mind
            raise TransientError(f"{_host(self.url)} ended the connection early", "try again")

    def drain(self) -> bool:
        """Read what is left of a small body; return whether the connection can be used again."""
        if not self._response.isclosed():
            self._response.read(_DRAINED)
        return self._response.isclosed()


class Client:
    """Asks the server at `url`, and tells only that who we are. Each thread that asks has connections of its own."""

    def __init__(self, url: str, deadline: Deadline) -> None:
        self._place = parsed(url)
        self._deadline = deadline
        self._local = threading.local()
        self._all: list[http.client.HTTPConnection] = []

    def close(self) -> None:
        """Close all connections, of all threads."""
        for connection in self._all:
            connection.close()
        self._all.clear()

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | str = b""
    ) -> Iterator[Answer]:
        """Ask, and give the answer of whatever status. `body` is bytes, or the path of a local file.

        Reads are redirected, but never from https to http; another server is not told who we are.
        """
        for _ in range(_HOPS):
            with self._asked(method, url, headers or {}, body) as answer:
                if answer.status not in _REDIRECTS or method not in _READS:
                    yield answer
                    return
                target = _target(answer)
            try:
                is_safe = parsed(target).scheme == "https" or urlsplit(url).scheme == "http"
            except UsageError:
                is_safe = False
            if not is_safe:
                raise UnavailableError(f"{_host(url)} redirects to {_shown(target)}", "that is not followed from there")
            url = target
        raise UnavailableError(f"{_host(url)} redirects without end", "see the URL of the remote")

    @contextmanager
    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | str) -> Iterator[Answer]:
        """Ask once, of one server."""
        parts = parsed(url)
        origin = _origin(parts)
        connection, prefix = self._connection(origin)
        is_used = connection.sock is not None
        sent = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "crdtctl", **headers, **self._identity(origin)}
        if prefix:
            sent |= _proxy_identity(_proxy(origin))
        target = prefix + (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

        def guarded(call: Callable[[], _T]) -> _T:
            try:
                return call()
            except BaseException as error:
                connection.close()
                if isinstance(error, OSError | http.client.HTTPException):
                    raise self._told(error, origin) from None
                raise

        def exchange() -> http.client.HTTPResponse:
            try:
                return _exchange(connection, method, target, sent, body)
            except ConnectionError:
                if not is_used or method not in (*_READS, "PUT", "DELETE"):
                    raise
            connection.close()  # it was kept, and the server had let go of it meanwhile: what can be asked twice, is
            return _exchange(connection, method, target, sent, body)

        connection.timeout = self._deadline.remaining()
        answer = Answer(guarded(exchange), url, guarded)
        try:
            yield answer
        except BaseException:
            connection.close()
            raise
        if not guarded(answer.drain):
            connection.close()

    def _connection(self, origin: tuple[str, str, int]) -> tuple[http.client.HTTPConnection, str]:
        """Return this thread's connection to a server or its proxy, and what a proxy wants before each path."""
        scheme, host, port = origin
        proxy = _proxy(origin)
        mine: dict[tuple[str, str, int], http.client.HTTPConnection] = self._local.__dict__.setdefault("mine", {})
        if origin not in mine:
            first = (proxy.hostname or "", proxy.port or 80) if proxy else (host, port)
            made: _Plain | _Secure
            if scheme == "https":
                made = _Secure(*first, blocksize=_BLOCK, context=self._context)
                if proxy:
                    made.set_tunnel(host, port, headers=_proxy_identity(proxy))
            else:
                made = _Plain(*first, blocksize=_BLOCK)
            made.deadline = self._deadline
            mine[origin] = made
            self._all.append(made)
        return mine[origin], f"http://{_netloc(host)}:{port}" if proxy and scheme == "http" else ""

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """What is trusted: what the system trusts, or the certificates in SSL_CERT_FILE."""
        return ssl.create_default_context()

    @cached_property
    def _authorization(self) -> str:
        return authorization(self._place.hostname or "")

    @property
    def _is_private(self) -> bool:
        """Whether nobody on the way hears what is said: a password is not shouted over a network."""
        scheme, host, _ = origin = _origin(self._place)
        return scheme == "https" or (_is_loopback(host) and not _proxy(origin))

    def _identity(self, origin: tuple[str, str, int]) -> dict[str, str]:
        if origin != _origin(self._place) or not self._is_private or not self._authorization:
            return {}
        return {"Authorization": self._authorization}

    def failure(self, answer: Answer, doing: str) -> CrdtctlError:
        """Return what to tell of an answer that says that it was not done."""
        status = answer.status
        message = f"cannot {doing}: {_host(answer.url)} says {status} {http.client.responses.get(status, '')}".rstrip()
        if status in (401, 403):
            return AccessError(message, self._how_to_be_known(answer))
        if status == 407:
            return AccessError(message, "the proxy wants a user and password, in https_proxy or http_proxy")
        if status in (404, 410):
            return MissingError(message)
        if status == 507:
            return StorageError(message, "nothing was changed; free some space there and try again")
        if status in (408, 423, 425, 429) or (status >= 500 and status not in (501, 505)):
            return TransientError(message, "try again")
        if status in _REDIRECTS:
            target = _target(answer)
            return UnavailableError(message, f"it redirects to {_shown(target)}: see the remote's URL")
        return UnavailableError(message, "is it a WebDAV server that lets files be written, and is the URL right?")

    def _how_to_be_known(self, answer: Answer) -> str:
        if _origin(urlsplit(answer.url)) != _origin(self._place):
            return f"{self._place.hostname} redirects there, where no credential is sent: see the remote's URL"
        if not self._authorization:
            return f"keep a credential in {WHERE}"
        if not self._is_private:
            return "no credential is sent over http, where all can read it: use https, or a tunnel to this machine"
        return f"see what {WHERE} says, and what it may do there"

    def _told(self, error: OSError | http.client.HTTPException, origin: tuple[str, str, int]) -> CrdtctlError:
        """Return the failure that stands for what went wrong with a connection."""
        host = origin[1]
        match error:
            case ssl.SSLCertVerificationError():
                return UnavailableError(
                    f"the certificate of {host} is not trusted: {printable(error.verify_message)}",
                    "if it should be, name the file of who signed it in SSL_CERT_FILE",
                )
            case TimeoutError():
                return self._deadline.over()
            case ssl.SSLError() if not isinstance(error, _CUT):
                return UnavailableError(
                    f"{host} does not speak TLS as it should: {printable(error.reason or '')}",
                    "see the URL of the remote: is that the port of https?",
                )
            case socket.gaierror():
                return TransientError(f"cannot find {host}: {printable(error.strerror or '')}", "try again")
            case OSError() if "Tunnel connection failed: 407" in str(error):
                return AccessError(f"cannot reach {host}: the proxy says 407", "see https_proxy")
            case OSError() if not isinstance(error, http.client.BadStatusLine):
                why = os.strerror(error.errno) if error.errno else "the connection ended"
                return TransientError(f"cannot reach {host}: {why}", "try again")
            case http.client.RemoteDisconnected() | http.client.IncompleteRead():
                return TransientError(f"{host} ended the connection early", "try again")
            case _:
                return UnavailableError(f"{host} answers what is not HTTP", "see the URL of the remote")


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | str
) -> http.client.HTTPResponse:
    """Send a request and return the beginning of the answer."""
    connection.putrequest(method, target, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    if isinstance(body, bytes):
        if body or method == "PUT":
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        return connection.getresponse()
    with open(body, "rb") as file:
        connection.putheader("Content-Length", str(os.fstat(file.fileno()).st_size))
        connection.endheaders()
        try:
            connection.send(file)
        except (BrokenPipeError, ConnectionResetError):  # who refuses a large body says why before it is all there
            try:
                return connection.getresponse()
            except http.client.HTTPException as error:
                raise ConnectionResetError from error
    return connection.getresponse()


def _proxy(origin: tuple[str, str, int]) -> SplitResult | None:
    """Return the proxy that the environment names for a server, if any."""
    scheme, host, port = origin
    url = getproxies().get(scheme) or getproxies().get("all")
    if not url or proxy_bypass(f"{_netloc(host)}:{port}"):
        return None
    try:
        found = parsed(url if "://" in url else f"http://{url}")
    except UsageError:
        found = None
    if found is None or found.scheme != "http":  # which may hold a password, so it is not shown
        raise ConfigError("the proxy that the environment names cannot be used", "it is to begin with http://")
    return found


def _proxy_identity(proxy: SplitResult | None) -> dict[str, str]:
    if proxy is None or not proxy.username:
        return {}
    who = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + b64encode(who.encode()).decode("ascii")}


def _netloc(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _host(url: str) -> str:
    """Return the server of a URL, fit to be told."""
    return printable(urlsplit(url).hostname or "")


def _target(answer: Answer) -> str:
    """Return where a redirect leads; nothing, if nowhere."""
    location = answer.headers.get("Location", "").encode("latin-1", "replace")
    try:
        return urljoin(answer.url, quote(location, safe="%/:?#[]@!$&'()*+,;=~"))
    except ValueError:
        return ""


def _shown(url: str) -> str:
    """Return a URL fit to be told, without what may be a secret in it."""
    parts = urlsplit(url)
    return printable(f"{parts.scheme}://{parts.hostname}{parts.path}")[:200] if url else "nowhere"
