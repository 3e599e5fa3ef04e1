"""What web servers say is in a folder → entries: WebDAV's XML, the JSON of nginx and Caddy, links in HTML. Pure.

Nothing in a listing is followed: an entry is a name directly in the place, whatever else it is said to be. What is in
folders below, elsewhere, or has a name that leads elsewhere is left out.
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
from crdtctl.sync.transport import Entry, checked_name

#: What to ask of each file (RFC 4918, section 9.1).
PROPFIND: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"
)
#: What the parser says of a document that is good so far and is not over: its codes for no element, and half a token.
_ENDS_EARLY = (3, 5, 6)
#: Slashes that begin a path.
_SLASHES = re.compile(r"^/{2,}")
#: So many characters behind a link are looked at.
_WORDS = 100
_TEXTS = frozenset(("href", "status", "getcontentlength", "getetag", "getlastmodified"))


def _folders(path: str) -> tuple[str, ...]:
    """Return the folders on a path, so that spellings of one place are equal; raise `ValueError` if they are no text.

    Doubled slashes, one at the end, how characters are escaped and composed make no difference.

    >>> _folders("/~ann//b%C3%BCro/") == _folders("/%7Eann/bu%CC%88ro")
    True
    """
    parts = (unquote(part, errors="strict") for part in path.split("/") if part)
    return tuple(unicodedata.normalize("NFC", part) for part in parts)


def _path(place: str, href: str) -> str:
    """Return the path that `href` leads to from the folder `place`; raise `ValueError` if it is none.

    Only its path counts: behind a proxy, servers do not know their own scheme and host.
    """
    href = _SLASHES.sub("/", href)  # these begin a path with a doubled slash, and name no host
    path = urlsplit(href).path
    return path if path.startswith("/") else urljoin(f"{place.rstrip('/')}/", href)


def _last(path: str) -> str | None:
    """Return the name at the end of a path, or nothing if it can be none."""
    try:
        return checked_name(unquote(path.rpartition("/")[2], errors="strict"))
    except (ValueError, MissingError):
        return None


def name_in(place: str, href: str) -> str | None:
    """Return the name of a file directly in the folder whose path is `place`, or nothing if `href` is none."""
    try:
        path = _path(place, href)
        return _last(path) if _folders(path.rpartition("/")[0]) == _folders(place) else None
    except ValueError:
        return None


def version_of(etag: str, modified: str, size: int) -> str:
    """Return what is new when a file is: its etag, weak or not, else when it was written and how long it is."""
    return etag or f"{modified} {size}"


def size_of(text: str) -> int:
    """Return a number of bytes; 0 for what is none, as a size is only an announcement."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@dataclass(slots=True)
class _Response:
    """What is said of one file; `found` is the part of it that the server vouches for."""

    said: dict[str, str] = field(default_factory=dict)
    found: dict[str, str] = field(default_factory=dict)
    is_folder: bool = False

    @property
    def href(self) -> str:
        return self.said.get("href", "")

    @property
    def status(self) -> str:
        return self.said.get("status", "")

    @property
    def is_there(self) -> bool:
        """Whether it is a file that is there, also one of which the server cannot say more: reading it says why."""
        return not self.is_folder and self.status.split()[1:2] not in (["404"], ["410"])


class _Multistatus:
    """Takes a multistatus apart as it comes in (RFC 4918, section 13)."""

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
        """Refuse a document with a type: an answer needs none, and entities that grow are declared there."""
        raise UnavailableError("the server's listing declares a type of document", "that is refused: it can do harm")

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
            said = response.said if self._props is None else self._props
            said.setdefault(name, "".join(self._text).strip())
            self._text = None
        elif name == "propstat" and self._props is not None:
            if _is_good(self._props.get("status", "")):
                response.found |= self._props
            self._props = None
        elif name == "response":
            self.responses.append(response)
            self._response = None


def _is_good(status: str) -> bool:
    """Return whether a line like ``HTTP/1.1 200 OK`` is good news, or is not there."""
    return not status or status.split()[1:2] == ["200"]


def _entry(response: _Response, name: str) -> Entry:
    size = size_of(response.found.get("getcontentlength", ""))
    version = version_of(response.found.get("getetag", ""), response.found.get("getlastmodified", ""), size)
    return Entry(name, size, version)


class Listing(NamedTuple):
    """The files in a folder, and the path that the server itself has for that, which a proxy may have rewritten."""

    path: str
    entries: list[Entry]


def read_multistatus(pieces: Iterable[bytes], place: str) -> Listing:
    """Return what is in the folder with the path `place`; raise `UnavailableError` for what is no such answer."""
    taking = _Multistatus()
    try:
        for piece in pieces:
            taking.parser.Parse(piece, False)
        taking.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter for encodings that there are not
        if taking.is_one and getattr(error, "code", 0) in _ENDS_EARLY:
            raise TransientError("the server's listing ends early", "try again") from None
        raise UnavailableError(f"the server's listing is no XML: {error}", "is it a WebDAV server?") from None
    if not taking.is_one:
        raise UnavailableError("the server's listing is no multistatus", "is it a WebDAV server?")
    return _listing(taking.responses, place)


def _listing(responses: Iterable[_Response], place: str) -> Listing:
    """Return what the responses say, which are of one folder: the one that was asked for, by whatever path."""
    found: list[tuple[tuple[str, ...], _Response]] = []
    for response in responses:
        with suppress(ValueError):
            if response.href:
                found.append((_folders(_path(place, response.href)), response))
    asked = _folders(place)
    own = _own(found, asked)
    failed = next((one.status for path, one in found if path == own and not _is_good(one.status)), "")
    if failed:
        raise UnavailableError(f"the server lists the folder with the status {printable(failed)}", "see its log")
    below = [response for path, response in found if path[:-1] == own and path != own]
    elsewhere = [path for path, _ in found if path[: len(own)] != own]
    if elsewhere and not below:
        raise UnavailableError(
            f"the server lists {_shown(elsewhere[0])} where {_shown(asked)} was asked for",
            "is there a proxy that rewrites paths, or is the URL not as the server writes it?",
        )
    if not found:
        raise UnavailableError("the server's listing does not hold the folder itself", "is it a WebDAV server?")
    named = ((_last(_path(place, response.href)), response) for response in below)
    entries = [_entry(response, name) for name, response in named if name and response.is_there]
    itself = (_path(place, response.href) for path, response in found if path == own)
    return Listing(next(itself, place), entries)


def _own(found: Iterable[tuple[tuple[str, ...], _Response]], asked: tuple[str, ...]) -> tuple[str, ...]:
    """Return the path that the server has for the folder that was asked for.

    Behind a proxy that rewrites paths, and where upper and lower case are the same, that is another path: the one of
    the folder's own response, below which all others are.
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


def from_json(data: bytes) -> list[Entry]:
    """Return the files in a listing in JSON; raise `UnavailableError` for what is none."""
    try:
        listed = msgspec.json.decode(data, type=list[_Listed])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnavailableError("the server's JSON is no listing of a folder", "is it the right URL?") from None
    return [
        Entry(one.name, one.size, version_of("", one.mtime or one.mod_time, one.size))
        for one in listed
        if one.type == "file" and not one.is_dir and _is_name(one.name)
    ]


def _is_name(name: str) -> bool:
    try:
        return bool(checked_name(name))
    except MissingError:
        return False


class _Links(HTMLParser):
    """Collects where a page leads, each with the words of the link, and whether it asks for a password."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.asks = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "a" and said.get("href"):
            self.links.append((said["href"] or "", ""))
        self.asks |= tag == "input" and (said.get("type") or "").lower() == "password"

    def handle_data(self, data: str) -> None:
        if self.links:
            target, words = self.links[-1]
            self.links[-1] = (target, words + data if len(words) < _WORDS else words)


def from_html(data: bytes, url: str) -> list[str]:
    """Return the names of the files that the page at `url`, which ends with a slash, links in its own folder.

    A page that leads neither to such a file nor up is no listing, nor is one to log in: raise `UnavailableError`.
    """
    page = _Links()
    page.feed(data.decode("utf-8", "replace"))
    page.close()
    if page.asks:
        raise UnavailableError("the server shows a page to log in", "let it take a password as HTTP does, or a token")
    names: dict[str, None] = {}
    is_listing = False
    place = urlsplit(url).path
    above = _folders(place)[:-1]
    for target, words in page.links:
        try:
            found = urlsplit(urljoin(url, target))
            # A link to the start of the site is on any page: one that is meant to lead up says so.
            leads_up = (target.startswith("..") or "parent dir" in words.lower()) and _folders(found.path) == above
        except ValueError:
            continue
        name = None if found.query or found.netloc != urlsplit(url).netloc else name_in(place, found.path)
        if name is not None:
            names[name] = None
        is_listing |= name is not None or leads_up
    if not is_listing:
        raise UnavailableError("the server shows no listing of the folder", "let it speak WebDAV, or list folders")
    return list(names)
