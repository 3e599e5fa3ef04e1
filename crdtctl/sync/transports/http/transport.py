"""A folder on a web server: WebDAV, or GET and PUT with a listing of the folder, such as nginx shows."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from email.utils import mktime_tz, parsedate_tz
from functools import cached_property
from urllib.parse import quote, urljoin, urlsplit

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    TransientError,
    UnavailableError,
    UsageError,
    printable,
)
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import STALE_SECONDS, ListedObject, Transport, checked_name, is_draft, new_draft
from crdtctl.sync.transports.http import listings
from crdtctl.sync.transports.http.client import Answer, Client
from crdtctl.sync.transports.http.proxies import parsed

#: Maximum number of bytes of a listing: about 100,000 files.
_MAX_LISTING = 2**26
#: Statuses for an unknown method. Some servers treat an unknown method as GET.
_UNKNOWN = (200, 400, 405, 501)
_ABSENT = (404, 409, 410)
_LISTS = "application/json, text/html;q=0.5"


class WebDav(Transport):
    """Files are put under a hidden name and moved, if the server supports MOVE; otherwise they are put directly."""

    parallel = 8

    def __init__(self, place: Endpoint) -> None:
        parts = parsed(place.address)
        if parts.fragment:
            raise UsageError(f"'{printable(place.address)}' contains a '#'", "write %23 instead")
        path = quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~")
        self._url = f"{parts.scheme}://{parts.netloc}{path}"
        self._shown = printable(place.address)
        self._deadline = place.deadline
        self._client = Client(self._url, place.deadline)
        self._path = path
        self._is_new = False
        self._drafts: Sequence[str] = ()

    def close(self) -> None:
        self._client.close()

    def cancel(self) -> None:
        self._deadline.end()

    # Listing --------------------------------------------------------------------------------------------

    def list(self) -> Sequence[ListedObject]:
        self.is_absent = False
        found = self._list()
        self._drafts = [entry.name for entry in found if is_draft(entry.name)]
        return found

    def _list(self) -> Sequence[ListedObject]:
        with self._client.ask("PROPFIND", f"{self._url}/", _depth(1), listings.PROPFIND) as answer:
            if answer.status == 207:
                listing = listings.read_multistatus(_bounded(answer), urlsplit(answer.url).path)
                self._path = listing.path
                return listing.entries
            if answer.status not in (*_UNKNOWN, *_ABSENT):
                raise self._failure(answer, "list")
            is_absent = answer.status in _ABSENT
        return self._none() if is_absent else self._list_plainly()

    def _list_plainly(self) -> Sequence[ListedObject]:
        """List a folder with GET, as a browser does."""
        with self._client.ask("GET", f"{self._url}/", {"Accept": _LISTS}) as answer:
            if answer.status == 200:
                if answer.headers.get_content_type() == "application/json":
                    return listings.from_json(b"".join(_bounded(answer)))
                names = self._names_in_page(answer)
            elif answer.status in _ABSENT:
                names = None
            else:
                raise self._failure(answer, "list")
        if names is None:
            return self._none()
        # Sizes and times in a page are written for people, so they are not read.
        return list(self.in_parallel(self._look, names))

    def _names_in_page(self, answer: Answer) -> Sequence[str]:
        host, other = urlsplit(self._url).hostname, urlsplit(answer.url).hostname
        is_whole = answer.is_delimited
        data = b"".join(_bounded(answer))
        if not is_whole and b"</html>" not in data.lower():
            raise TransientError(f"the listing of {self._shown} is incomplete", "try again")
        try:
            return listings.from_html(data, answer.url)
        except UnavailableError:
            if other == host:
                raise
            message = f"{printable(host or '')} redirects to {printable(other or '')}, which does not list a folder"
            raise UnavailableError(
                message, "check whether this network requires a log-in, and check the URL of the remote"
            ) from None

    def _look(self, name: str) -> ListedObject:
        """Return the entry of a file from a HEAD request. A missing file is listed; reading it reports that."""
        with self._client.ask("HEAD", self._file(name)) as answer:
            if answer.status in _ABSENT:
                return ListedObject(name, 0)
            if answer.status != 200:
                raise self._failure(answer, "list")
            size = listings.size_of(answer.headers.get("Content-Length", ""))
            etag, modified = answer.headers.get("ETag", ""), answer.headers.get("Last-Modified", "")
            return ListedObject(name, size, listings.version_of(etag, modified, size))

    def _none(self) -> Sequence[ListedObject]:
        """Return an empty listing if the folder could be created, i.e. if its parent exists."""
        self._is_new = True
        parent = self._url.rpartition("/")[0]
        if urlsplit(self._url).path:
            with self._client.ask("PROPFIND", f"{parent}/", _depth(0), listings.PROPFIND) as answer:
                status = answer.status
            if status in _UNKNOWN:
                with self._client.ask("HEAD", f"{parent}/") as answer:
                    status = answer.status
            if status not in _ABSENT:  # it may exist although the server hides it
                self.is_absent = True
                return []
        raise self._no_parent()

    def _failure(self, answer: Answer, doing: str) -> CrdtctlError:
        return self._client.failure(answer, f"{doing} {self._shown}")

    def _no_parent(self) -> CrdtctlError:
        return UnavailableError(f"the folder {self._shown} does not exist", "make its parent folder, or check the URL")

    # Files ----------------------------------------------------------------------------------------------

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        with self._client.ask("GET", self._file(name)) as answer:
            if answer.status != 200:
                raise self._client.failure(answer, f"read {printable(name)}")
            if answer.is_page and not name.lower().endswith((".html", ".htm", ".xhtml")):
                where = printable(urlsplit(answer.url).hostname or "")
                raise UnavailableError(
                    f"{where} answers with a web page instead of {printable(name)}",
                    "check whether this network or the server requires a log-in",
                )
            for piece in answer.pieces():
                write(piece)

    def put(self, name: str, path: str) -> None:
        target = self._file(name)
        if not (self.atomic and self._put_whole(target, path)):
            self.atomic = False
            self._upload(target, path)
        self._sweep()

    def _put_whole(self, target: str, path: str) -> bool:
        """Put a file under a hidden name and move it; return whether the server accepted both names."""
        draft = self._file(new_draft())
        is_there = True
        try:
            is_there = self._upload(draft, path, may_be_forbidden=True)
            if is_there and self._move_draft(draft, target):
                return True
        except CrdtctlError:
            with suppress(CrdtctlError):
                self._delete(draft)
            raise
        if is_there:
            with suppress(AccessError):  # the file was put, although this user may not delete
                self._delete(draft)
        return False

    def _sweep(self) -> None:
        """Delete drafts that killed syncs left behind, by the server's own clock."""
        for name in self._drafts:
            with suppress(CrdtctlError):
                with self._client.ask("HEAD", self._file(name)) as answer:
                    now, then = (parsedate_tz(answer.headers.get(one, "")) for one in ("Date", "Last-Modified"))
                if now and then and mktime_tz(now) - mktime_tz(then) > STALE_SECONDS:
                    self.delete(name)
        self._drafts = ()

    def _move_draft(self, draft: str, target: str) -> bool:
        """Move a draft to its name; return whether the server accepted `target` as its own.

        Apache requires a whole URL. Behind a proxy that ends TLS, other servers take that URL for another server's, but
        accept a path (RFC 4918, section 8.3). Behind a proxy that rewrites paths, it must be the server's own path.
        """
        path = f"{self._own_path()}/{target.rpartition('/')[2]}"
        for destination in (urljoin(target, path), path):
            with self._move(draft, destination) as answer:
                if answer.status in (200, 201, 204):
                    return True
                if answer.status in (404, 410):
                    raise TransientError(
                        f"the file uploaded to {self._shown} disappeared before it was moved", "try again"
                    )
                if answer.status not in (400, 409, 502):
                    raise self._failure(answer, "move a file at")
        return False

    def _own_path(self) -> str:
        """Return the server's own path of the folder, without a slash at its end."""
        if self._is_new:  # the folder was made after the listing
            with self._client.ask("PROPFIND", f"{self._url}/", _depth(0), listings.PROPFIND) as answer:
                if answer.status == 207:
                    self._path = listings.read_multistatus(_bounded(answer), urlsplit(answer.url).path).path
        self._is_new = False
        return self._path.rstrip("/")

    @cached_property
    def atomic(self) -> bool:
        """Whether the server supports MOVE. If so, it reports that the source of a test does not exist."""
        names = (new_draft() for _ in range(2))
        with self._move(*map(self._file, names)) as answer:
            failure = self._failure(answer, "write to")
            if answer.status == 401 or isinstance(failure, TransientError):
                raise failure
            return answer.status in (*_ABSENT, 403)  # rclone and Caddy answer 403 for a missing source

    def _move(self, source: str, target: str) -> AbstractContextManager[Answer]:
        return self._client.ask("MOVE", source, {"Destination": target, "Overwrite": "T"})

    def _upload(self, url: str, path: str, *, may_be_forbidden: bool = False) -> bool:
        """Put a local file, making the folder if necessary. Return whether it was put, if it `may_be_forbidden`.

        Many servers are configured to deny names that begin with a dot.
        """
        can_make = True
        for is_last in (False, True):
            with self._client.ask("PUT", url, {"Content-Type": "application/octet-stream"}, path) as answer:
                if answer.status in (200, 201, 204):
                    return True
                if answer.status == 403 and may_be_forbidden:
                    return False
                is_lost = answer.status in (*_ABSENT, 500)  # nginx answers 500 if the folder does not exist
                status, failure = answer.status, self._failure(answer, "write to")
            if not is_lost:
                raise failure
            if is_last:
                raise failure if status == 500 and self._has_folder() else self._without_folder(can_make=can_make)
            can_make = self._make()
        return False

    def _has_folder(self) -> bool:
        with self._client.ask("HEAD", f"{self._url}/") as answer:
            return answer.status not in _ABSENT

    def _without_folder(self, *, can_make: bool) -> CrdtctlError:
        if can_make:
            return self._no_parent()
        return UnavailableError(
            f"the folder {self._shown} does not exist, and the server cannot make it",
            "make the folder on the server, or enable MKCOL",
        )

    def _make(self) -> bool:
        """Make the folder; return whether the server supports that."""
        with self._client.ask("MKCOL", f"{self._url}/") as answer:
            if answer.status in _ABSENT:
                raise self._no_parent()
            if answer.status not in (
                200,
                201,
                204,
                405,
                501,
            ):  # 405 and 501: it exists, or the server does not support MKCOL
                raise self._failure(answer, "make")
            return answer.status not in (405, 501)

    def delete(self, name: str) -> None:
        self._delete(self._file(name))

    def _delete(self, url: str) -> None:
        with self._client.ask("DELETE", url) as answer:
            if answer.status not in (200, 202, 204, *_ABSENT):
                raise self._failure(answer, "delete in")

    def _file(self, name: str) -> str:
        return f"{self._url}/{quote(checked_name(name), safe='')}"


def _depth(levels: int) -> dict[str, str]:
    return {"Depth": str(levels), "Content-Type": 'application/xml; charset="utf-8"'}


def _bounded(answer: Answer) -> Iterator[bytes]:
    """Yield the pieces of a listing; raise `UnavailableError` if it is too large."""
    total = 0
    for piece in answer.pieces():
        total += len(piece)
        if total > _MAX_LISTING:
            raise UnavailableError(
                f"the listing is larger than {_MAX_LISTING // 2**20} MiB", "use a folder for crdtctl alone"
            )
        yield piece
