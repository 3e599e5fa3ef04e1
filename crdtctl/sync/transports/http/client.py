"""An HTTP client with a deadline: kept connections, proxies, redirects, credentials, and errors for users.

It uses the standard library's own client, as other HTTP libraries do. Those libraries limit the time of each operation;
here one deadline limits the time of all operations together.
"""

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from functools import cached_property
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    UsageError,
    printable,
)
from crdtctl.sync.transport import Deadline
from crdtctl.sync.transports.http import challenges, proxies
from crdtctl.sync.transports.http import content_encoding as bodies
from crdtctl.sync.transports.http import errors as failures
from crdtctl.sync.transports.http.connections import Plain, Secure
from crdtctl.sync.transports.http.credentials import WHERE, Credential, find
from crdtctl.sync.transports.http.proxies import Origin, origin_of, parsed, proxy_for

_READ_SIZE = 2**18
#: Maximum number of unread bytes of a response that are read so that the connection can be kept.
_DRAINED = 2**16
_HOPS = 5
#: Maximum number of repeated requests after Digest challenges. The nonce may have expired after the first one.
_CHANCES = 2
_REDIRECTS = (301, 302, 303, 307, 308)
#: Only reads may be redirected. Writes go to the user's URL or fail.
_READS = ("GET", "HEAD", "PROPFIND")
_T = TypeVar("_T")
#: Errors of an interrupted TLS connection, as opposed to wrong TLS.
_CUT = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Answer:
    """A response: `url` is its address after redirects. Its body is read at most once."""

    def __init__(
        self, response: http.client.HTTPResponse, url: str, guarded: Callable[[Callable[[], Any]], Any]
    ) -> None:
        self.status = response.status
        self.headers: Message = response.headers
        self.url = url
        self._response = response
        self._guarded = guarded

    def pieces(self) -> Iterator[bytes]:
        """Yield the decoded body; raise `TransientError` if it is incomplete."""
        yield from bodies.decoded(self._raw(), self.headers.get("Content-Encoding", ""))

    @property
    def is_page(self) -> bool:
        """Whether the body is a page for people."""
        return self.headers.get_content_type() in ("text/html", "application/xhtml+xml")

    @property
    def is_delimited(self) -> bool:
        """Whether an incomplete body can be recognised."""
        return self._response.chunked or self._response.length is not None

    def _raw(self) -> Iterator[bytes]:
        while block := self._guarded(lambda: self._response.read(_READ_SIZE)):
            yield block
        if self._response.length:  # the number of missing bytes, which the library ignores
            raise TransientError(f"{_host(self.url)} ended the connection early", "try again")

    def drain(self) -> bool:
        """Read the rest of a small body; return whether the connection can be used again."""
        if not self._response.isclosed():
            self._response.read(_DRAINED)
        return self._response.isclosed()

    def close(self) -> None:
        """Discard the unread rest of the body. The connection may not be used again."""
        self._response.close()


class Client:
    """A client for the server at `url`, which alone gets the credential. Each thread has its own connections."""

    def __init__(self, url: str, deadline: Deadline) -> None:
        self._place = parsed(url)
        self._deadline = deadline
        self._local = threading.local()
        self._all: list[http.client.HTTPConnection] = []
        self._answering: challenges.Digest | None = None

    def close(self) -> None:
        """Close all connections of all threads."""
        for connection in self._all:
            connection.close()
        self._all.clear()

    @contextmanager
    def ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | str = b""
    ) -> Iterator[Answer]:
        """Send a request, and yield the response of any status. `body` is bytes, or the path of a local file.

        Redirects of reads are followed, but never from https to http, and another server does not get the credential. A
        Digest challenge is answered when it comes.
        """
        hops = chances = 0
        while hops < _HOPS:
            with self._asked(method, url, headers or {}, body) as answer:
                if answer.status == 401 and chances < _CHANCES and self._can_answer(answer):
                    chances += 1
                    continue
                if answer.status not in _REDIRECTS or method not in _READS:
                    yield answer
                    return
                target = _target(answer)
            try:
                is_safe = parsed(target).scheme == "https" or urlsplit(url).scheme == "http"
            except UsageError:
                is_safe = False
            if not is_safe:
                raise UnavailableError(
                    f"refusing to follow a redirect from {_host(url)} to {_shown(target)}",
                    "check the URL of the remote: a redirect must not lead from https to http",
                )
            url = target
            hops += 1
        raise UnavailableError(f"{_host(url)} redirects too many times", "check the URL of the remote")

    @contextmanager
    def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes | str) -> Iterator[Answer]:
        """Send one request to one server."""
        parts = parsed(url)
        origin = origin_of(parts)
        connection, prefix = self._connection(origin)
        is_used = connection.sock is not None
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        identity = self._identity(origin, method, path)
        sent = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "crdtctl", **headers, **identity}
        if prefix:
            sent |= proxies.identity_at(proxy_for(origin))
        target = prefix + path

        def guarded(call: Callable[[], _T]) -> _T:
            try:
                return call()
            except BaseException as error:
                connection.close()
                if isinstance(error, OSError | http.client.HTTPException):
                    raise self._connection_error(error, origin) from None
                raise

        def exchange() -> http.client.HTTPResponse:
            try:
                return _exchange(connection, method, target, sent, body)
            except ConnectionError:
                if not is_used or method not in (*_READS, "PUT", "DELETE"):
                    raise
            connection.close()  # the server had closed the kept connection; this request may be repeated
            return _exchange(connection, method, target, sent, body)

        connection.timeout = self._deadline.remaining()
        answer = Answer(guarded(exchange), url, guarded)
        is_read = False
        try:
            yield answer
            is_read = guarded(answer.drain)
        finally:
            if not is_read:
                answer.close()
                connection.close()

    def _connection(self, origin: Origin) -> tuple[http.client.HTTPConnection, str]:
        """Return this thread's connection to a server or its proxy, and the prefix of paths for a proxy."""
        scheme, host, port = origin
        proxy = proxy_for(origin)
        mine: dict[Origin, http.client.HTTPConnection] = self._local.__dict__.setdefault("mine", {})
        if origin not in mine:
            first = (proxy.hostname or "", proxy.port or 80) if proxy else (host, port)
            made: Plain | Secure
            if scheme == "https":
                made = Secure(*first, blocksize=_READ_SIZE, context=self._context)
                if proxy:
                    made.set_tunnel(host, port, headers=proxies.identity_at(proxy))
            else:
                made = Plain(*first, blocksize=_READ_SIZE)
            made.deadline = self._deadline
            mine[origin] = made
            self._all.append(made)
        return mine[origin], f"http://{proxies.netloc(host)}:{port}" if proxy and scheme == "http" else ""

    @cached_property
    def _context(self) -> ssl.SSLContext:
        """The trusted certificates: those of the system, or of SSL_CERT_FILE."""
        return ssl.create_default_context()

    @cached_property
    def _credential(self) -> Credential:
        return find(self._place.hostname or "")

    @property
    def _is_private(self) -> bool:
        """Whether a credential may be sent. An unencrypted network connection could reveal it."""
        scheme, host, _ = origin = origin_of(self._place)
        return scheme == "https" or (_is_loopback(host) and not proxy_for(origin))

    def _identity(self, origin: Origin, method: str, path: str) -> dict[str, str]:
        if origin != origin_of(self._place) or not self._is_private or not self._credential:
            return {}
        answering = self._answering
        return {"Authorization": answering.header(method, path) if answering else self._credential.header()}

    def _can_answer(self, answer: Answer) -> bool:
        """Prepare the answer to a new Digest challenge; return whether that is possible."""
        before = self._answering
        if origin_of(urlsplit(answer.url)) != origin_of(self._place) or not self._is_private:
            return False
        answering = challenges.answering(_challenges(answer), self._credential)
        if answering is None or (before and before.nonce == answering.nonce):
            return False
        self._answering = answering
        return True

    def failure(self, answer: Answer, doing: str) -> CrdtctlError:
        """Return the error for a response whose status is a failure."""
        status = answer.status
        origin = origin_of(urlsplit(answer.url))
        proxy = proxy_for(origin) if origin[0] == "http" else None
        who = f"{_host(answer.url)}, or the proxy {proxies.shown(proxy)}," if proxy else _host(answer.url)
        message = f"cannot {doing}: {who} answers with {status} {http.client.responses.get(status, '')}".rstrip()
        match status:
            case 401 | 403:
                return AccessError(message, self._how_to_be_known(answer))
            case 407:
                return AccessError(
                    message, failures.proxy_advice(proxy, answer.headers.get_all("Proxy-Authenticate", []))
                )
            case 404 | 410:
                return MissingError(message)
            case 413:
                return UnavailableError(
                    message, "raise the server's limit for file sizes: client_max_body_size in nginx"
                )
            case 507:
                return StorageError(message, "nothing was changed; free some space there and try again")
            case 511:
                return TransientError(message, "log in to this network: open any page in a browser")
            case 408 | 423 | 425 | 429:
                return failures.passing(message, answer.headers)
            case _ if status >= 500 and status not in (501, 505):
                return failures.passing(message, answer.headers)
            case _ if status in _REDIRECTS:
                return UnavailableError(message, f"it redirects to {_shown(_target(answer))}: check the remote's URL")
            case _:
                return UnavailableError(
                    message, "check that it is a WebDAV server that allows writing, and that the URL is right"
                )

    def _how_to_be_known(self, answer: Answer) -> str:
        if origin_of(urlsplit(answer.url)) != origin_of(self._place):
            return f"{self._place.hostname} redirects to this server, which gets no credential: check the remote's URL"
        if self._credential and not self._is_private:
            return (
                "no credential is sent over http, because others could read it: use https, or a tunnel to this machine"
            )
        if answer.status == 401:
            return challenges.advice(_challenges(answer), self._credential)
        if not self._credential:
            return f"check the server's permissions; if it needs a credential, keep one in {WHERE}"
        return "the server accepts the credential: check the permissions of that user"

    def _connection_error(self, error: OSError | http.client.HTTPException, origin: Origin) -> CrdtctlError:
        """Return the error for a failed connection."""
        host = origin[1]
        proxy = proxy_for(origin)
        if proxy and (failed := failures.TUNNEL.search(str(error))):
            return failures.not_led(host, proxy, int(failed[1]))
        reached = f"the proxy {proxies.shown(proxy)}" if proxy else host
        match error:
            case ssl.SSLCertVerificationError():
                return failures.not_trusted(error, host)
            case TimeoutError():
                return self._deadline.error()
            case ssl.SSLError() if not isinstance(error, _CUT):
                return UnavailableError(
                    f"the TLS connection to {host} failed: {printable(error.reason or '')}",
                    "check the URL of the remote: is it the port of https?",
                )
            case socket.gaierror():
                return TransientError(f"cannot find {reached}: {printable(error.strerror or '')}", "try again")
            case OSError() if not isinstance(error, http.client.BadStatusLine):
                why = os.strerror(error.errno) if error.errno else "the connection ended"
                return TransientError(f"cannot reach {reached}: {why}", "try again")
            case http.client.RemoteDisconnected() | http.client.IncompleteRead():
                return TransientError(f"{reached} ended the connection early", "try again")
            case _:
                return UnavailableError(f"{reached} does not answer with HTTP", "check the URL of the remote")


def _challenges(answer: Answer) -> list[challenges.Challenge]:
    return challenges.parse(answer.headers.get_all("WWW-Authenticate", []))


def _exchange(
    connection: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: bytes | str
) -> http.client.HTTPResponse:
    """Send a request and return the start of the response."""
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
        except (BrokenPipeError, ConnectionResetError):  # a server may refuse a large body before it has read all of it
            try:
                return connection.getresponse()
            except http.client.HTTPException as error:
                raise ConnectionResetError from error
    return connection.getresponse()


def _host(url: str) -> str:
    """Return the server of a URL for messages."""
    return printable(urlsplit(url).hostname or "")


def _target(answer: Answer) -> str:
    """Return the target of a redirect, or an empty string if it is invalid."""
    location = answer.headers.get("Location", "").encode("latin-1", "replace")
    try:
        return urljoin(answer.url, quote(location, safe="%/:?#[]@!$&'()*+,;=~"))
    except ValueError:
        return ""


def _shown(url: str) -> str:
    """Return a URL for messages, without the parts that may be a secret."""
    parts = urlsplit(url)
    return printable(f"{parts.scheme}://{parts.hostname}{parts.path}")[:200] if url else "an invalid URL"
