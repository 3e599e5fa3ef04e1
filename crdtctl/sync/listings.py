"""What web servers say is in a folder → entries: WebDAV's XML, the JSON of nginx and Caddy, links in HTML. Pure.

Nothing in a listing is followed: an entry is a name directly in the place, whatever else it is said to be. What is in
folders below, elsewhere, or has a name that leads elsewhere is left out.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote, urljoin, urlsplit
from xml.parsers import expat

import msgspec

from crdtctl.errors import MissingError, UnavailableError
from crdtctl.sync.transport import Entry, file_name

#: What to ask of each file (RFC 4918, section 9.1).
PROPFIND: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop>'
    b"<resourcetype/><getcontentlength/><getetag/><getlastmodified/></prop></propfind>"
)
_TEXTS = frozenset(("href", "status", "getcontentlength", "getetag", "getlastmodified"))


def name_in(place: str, href: str) -> str | None:
    """Return the name of a file directly in the folder whose path is `place`, or nothing if `href` is none.

    Only its path counts: behind a proxy, servers do not know their own scheme and host.
    """
    try:
        folder, _, last = urlsplit(href).path.rpartition("/")
        name = unquote(last, errors="strict")
        return file_name(name) if unquote(folder) == unquote(place).rstrip("/") else None
    except (ValueError, MissingError):
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


class _Multistatus:
    """Takes a multistatus apart as it comes in (RFC 4918, section 13)."""

    def __init__(self, place: str) -> None:
        self.entries: dict[str, Entry] = {}
        self.is_one = False
        self._place = place
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
            self._take(response)
            self._response = None

    def _take(self, response: _Response) -> None:
        name = name_in(self._place, response.said.get("href", ""))
        if name is None or response.is_folder or not _is_good(response.said.get("status", "")):
            return
        size = size_of(response.found.get("getcontentlength", ""))
        version = version_of(response.found.get("getetag", ""), response.found.get("getlastmodified", ""), size)
        self.entries[name] = Entry(name, size, version)


def _is_good(status: str) -> bool:
    """Return whether a line like ``HTTP/1.1 200 OK`` is good news, or is not there."""
    return not status or status.split()[1:2] == ["200"]


def from_multistatus(pieces: Iterable[bytes], place: str) -> list[Entry]:
    """Return the files in the folder with the path `place`; raise `UnavailableError` for what is no such answer."""
    taking = _Multistatus(place)
    try:
        for piece in pieces:
            taking.parser.Parse(piece, False)
        taking.parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the latter for encodings that there are not
        raise UnavailableError(f"the server's listing is no XML: {error}", "is it a WebDAV server?") from None
    if not taking.is_one:
        raise UnavailableError("the server's listing is no multistatus", "is it a WebDAV server?")
    return list(taking.entries.values())


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
        return bool(file_name(name))
    except MissingError:
        return False


class _Links(HTMLParser):
    """Collects where a page leads."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.targets += [value for name, value in attrs if name == "href" and value]


def from_html(data: bytes, url: str) -> list[str]:
    """Return the names of the files that the page at `url`, which ends with a slash, links in its own folder.

    A page that leads neither to such a file nor up is no listing: raise `UnavailableError`.
    """
    links = _Links()
    links.feed(data.decode("utf-8", "replace"))
    links.close()
    names: dict[str, None] = {}
    is_listing = False
    place = urlsplit(url).path
    for target in links.targets:
        try:
            found = urlsplit(urljoin(url, target))
        except ValueError:
            continue
        name = None if found.query or found.netloc != urlsplit(url).netloc else name_in(place, found.path)
        if name is not None:
            names[name] = None
        is_listing |= name is not None or found.path == place.rstrip("/").rpartition("/")[0] + "/"
    if not is_listing:
        raise UnavailableError("the server shows no listing of the folder", "let it speak WebDAV, or list folders")
    return list(names)
