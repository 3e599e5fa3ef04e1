"""Listings of folders from web servers: WebDAV's XML, JSON of nginx and Caddy, links in HTML. Pure.

An entry is always a file directly in the folder. Files in subfolders or other places, and names that would lead to
another place, are left out.
"""

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final, NamedTuple
from urllib.parse import unquote, urljoin, urlsplit
from xml.parsers import expat

import msgspec

from crdtctl.errors import MissingError, TransientError, UnavailableError, printable
from crdtctl.sync.transport import ListedObject, checked_name

#: The request for the properties of each file (RFC 4918, section 9.1).
PROPFIND: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"
)
#: The parser's error codes for an incomplete document: no element, or half a token.
_INCOMPLETE = (3, 5, 6)
#: Doubled slashes at the start of a path.
_SLASHES = re.compile(r"^/{2,}")
#: Maximum number of characters of a link's text.
_WORDS = 100
_TEXTS = frozenset(("href", "status", "getcontentlength", "getetag", "getlastmodified"))


def _folders(path: str) -> tuple[str, ...]:
    """Return the folders on a path, equal for all spellings of the same place; raise `ValueError` if it is not UTF-8.

    Doubled slashes, a slash at the end, and the escaping and composition of characters make no difference.

    >>> _folders("/~ann//b%C3%BCro/") == _folders("/%7Eann/bu%CC%88ro")
    True
    """
    parts = (unquote(part, errors="strict") for part in path.split("/") if part)
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def _path(place: str, href: str) -> str:
    """Return the path of `href`, relative to the folder `place`; raise `ValueError` if it has none.

    Only the path counts, because servers behind a proxy do not know their own scheme and host.
    """
    href = _SLASHES.sub("/", href)  # a path that begins with a doubled slash, not a host
    path = urlsplit(href).path
    return path if path.startswith("/") else urljoin(f"{place.rstrip('/')}/", href)


def _last(path: str) -> str | None:
    """Return the name at the end of a path, or None if it is not a valid name."""
    try:
        return checked_name(unquote(path.rpartition("/")[2], errors="strict"))
    except (ValueError, MissingError):
        return None


def name_in(place: str, href: str) -> str | None:
    """Return the name of a file directly in the folder with the path `place`, or None if `href` is not such a file."""
    try:
        path = _path(place, href)
        return _last(path) if _folders(path.rpartition("/")[0]) == _folders(place) else None
    except ValueError:
        return None


def version_of(etag: str, modified: str, size: int) -> str:
    """Return a version that changes with the file: its etag, weak or strong, or its time and size."""
    return etag or f"{modified} {size}"


def size_of(text: str) -> int:
    """Return a number of bytes; 0 for an invalid number, since a size is only an announcement."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@dataclass(slots=True)
class _Response:
    """The properties of one file; `found` are those with a successful status."""

    properties: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    is_folder: bool = False

    @property
    def href(self) -> str:
        return self.properties.get("href", "")

    @property
    def status(self) -> str:
        return self.properties.get("status", "")

    @property
    def is_there(self) -> bool:
        """Whether the file exists. If the server could not read its properties, reading the file reports the reason."""
        return not self.is_folder and self.status.split()[1:2] not in (["404"], ["410"])


class _Multistatus:
    """A streaming parser for a multistatus document (RFC 4918, section 13)."""

    def __init__(self) -> None:
        self.responses: list[_Response] = []
        self.is_one = False
        self._response: _Response | None = None
        self._props: dict[str, str] | None = None
        self._text: list[str] | None = None
        parser = self.parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        """Refuse a document type. Listings need none, and it could define entities that expand without limit."""
        raise UnavailableError(
            "the server's listing has a document type, which is not safe to read", "use another server"
        )

    def _start(self, tag: str, _: object) -> None:
        match tag.removeprefix("DAV: "):
            case "multistatus":
                self.is_one = True
            case "response":
                self._response = _Response()
            case "propstat":
                self._props = {}
            case "collection" if self._response is not None:
                self._response.is_folder = True
            case name if name in _TEXTS:
                self._text = []
            case _:
                pass

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        name = tag.removeprefix("DAV: ")
        response = self._response
        if response is None:
            return
        if name in _TEXTS and self._text is not None:
            properties = response.properties if self._props is None else self._props
            properties.setdefault(name, "".join(self._text).strip())
            self._text = None
        elif name == "propstat" and self._props is not None:
            if _is_good(self._props.get("status", "")):
                response.found |= self._props
            self._props = None
        elif name == "response":
            self.responses.append(response)
            self._response = None


def _is_good(status: str) -> bool:
    """Return whether a status line is missing or like ``HTTP/1.1 200 OK``."""
    return not status or status.split()[1:2] == ["200"]


def _entry(response: _Response, name: str) -> ListedObject:
    size = size_of(response.found.get("getcontentlength", ""))
    version = version_of(response.found.get("getetag", ""), response.found.get("getlastmodified", ""), size)
    return ListedObject(name, size, version)


class Listing(NamedTuple):
    """The files in a folder, and the server's own path of the folder, which a proxy may have rewritten."""

    path: str
    entries: list[ListedObject]


def read_multistatus(pieces: Iterable[bytes], place: str) -> Listing:
    """Return the listing of the folder with the path `place`; raise `UnavailableError` if the document is not one."""
    taking = _Multistatus()
    try:
        for piece in pieces:
            taking.parser.Parse(piece, False)
        taking.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
        if taking.is_one and getattr(error, "code", 0) in _INCOMPLETE:
            raise TransientError("the server's listing is incomplete", "try again") from None
        raise UnavailableError(
            f"the server's listing is not valid XML: {error}", "check that it is a WebDAV server"
        ) from None
    if not taking.is_one:
        raise UnavailableError("the server's listing is not a multistatus document", "check that it is a WebDAV server")
    return _listing(taking.responses, place)


def _listing(responses: Iterable[_Response], place: str) -> Listing:
    """Return the listing in the responses, which are about one folder, under any path."""
    found: list[tuple[tuple[str, ...], _Response]] = []
    for response in responses:
        with suppress(ValueError):
            if response.href:
                found.append((_folders(_path(place, response.href)), response))
    asked = _folders(place)
    own = _own(found, asked)
    failed = next((one.status for path, one in found if path == own and not _is_good(one.status)), "")
    if failed:
        raise UnavailableError(
            f"the server lists the folder with the status {printable(failed)}", "read the server's log"
        )
    below = [response for path, response in found if path[:-1] == own and path != own]
    others = [path for path, _ in found if path[: len(own)] != own]
    if others and not below:
        raise UnavailableError(
            f"the server lists {_shown(others[0])} instead of {_shown(asked)}",
            "check whether a proxy rewrites paths, and whether the server writes the URL differently",
        )
    if not found:
        raise UnavailableError(
            "the server's listing does not contain the folder itself", "check that it is a WebDAV server"
        )
    named = ((_last(_path(place, response.href)), response) for response in below)
    entries = [_entry(response, name) for name, response in named if name and response.is_there]
    itself = (_path(place, response.href) for path, response in found if path == own)
    return Listing(next(itself, place), entries)


def _own(found: Iterable[tuple[tuple[str, ...], _Response]], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the server's own path of the requested folder.

    It differs from the requested path behind a proxy that rewrites paths, and on servers that ignore case. Then it is
    the path of the folder's own response; all other paths are below it.
    """
    paths = [path for path, _ in found]
    if asked not in paths:
        folders = [path for path, response in found if response.is_folder]
        shortest = min(folders, key=len, default=asked)
        if all(path[: len(shortest)] == shortest for path in paths):
            return shortest
    return asked


def _shown(path: tuple[str, ...]) -> str:
    return printable("/" + "/".join(path))[:200]


class _Listed(msgspec.Struct):
    """A line of nginx's ``autoindex_format json`` (`type`, `mtime`) or Caddy's ``browse`` (`is_dir`, `mod_time`)."""

    name: str
    size: int = 0
    type: str = "file"
    is_dir: bool = False
    mtime: str = ""
    mod_time: str = ""


def from_json(data: bytes) -> list[ListedObject]:
    """Return the files in a JSON listing; raise `UnavailableError` if it is not one."""
    try:
        listed = msgspec.json.decode(data, type=list[_Listed])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnavailableError(
            "the server's JSON is not a listing of a folder", "check the URL of the remote"
        ) from None
    return [
        ListedObject(one.name, one.size, version_of("", one.mtime or one.mod_time, one.size))
        for one in listed
        if one.type == "file" and not one.is_dir and _is_name(one.name)
    ]


def _is_name(name: str) -> bool:
    try:
        return bool(checked_name(name))
    except MissingError:
        return False


class _Links(HTMLParser):
    """A parser that collects the links of a page with their texts, and notices a password field."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.asks = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and attributes.get("href"):
            self.links.append((attributes["href"] or "", ""))
        self.asks |= tag == "input" and (attributes.get("type") or "").lower() == "password"

    def handle_data(self, data: str) -> None:
        if self.links:
            target, words = self.links[-1]
            self.links[-1] = (target, words + data if len(words) < _WORDS else words)


def from_html(data: bytes, url: str) -> list[str]:
    """Return the names of the files in its own folder that the page at `url` links. The URL ends with a slash.

    A listing links to such a file or to the parent folder. Raise `UnavailableError` for other pages, and for log-in
    pages.
    """
    page = _Links()
    page.feed(data.decode("utf-8", "replace"))
    page.close()
    if page.asks:
        raise UnavailableError(
            "the server shows a log-in page", "enable HTTP authentication on the server, or use a token"
        )
    names: dict[str, None] = {}
    is_listing = False
    place = urlsplit(url).path
    above = _folders(place)[:-1]
    for target, words in page.links:
        try:
            found = urlsplit(urljoin(url, target))
            # Any page may link to the start of the site. Only a link named as such leads to the parent folder.
            leads_up = (target.startswith("..") or "parent dir" in words.lower()) and _folders(found.path) == above
        except ValueError:
            continue
        name = None if found.query or found.netloc != urlsplit(url).netloc else name_in(place, found.path)
        if name is not None:
            names[name] = None
        is_listing |= name is not None or leads_up
    if not is_listing:
        raise UnavailableError(
            "the server does not list the folder", "enable WebDAV on the server, or the listing of folders"
        )
    return list(names)
