"""Recognize files that are not states: their kind, and the command that extracts the state, if there is one."""

from __future__ import annotations

from crdtctl.codec.layout import HEAD_START
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
else:
    pass

#: Number of bytes from the beginning that are enough to recognize a file.
LOOKED_AT = 2**16
_STDIN = "standard input"


class OtherFile(NamedTuple):
    """The kind of a file that is not a state, in words, and the advice that goes with it."""

    kind: str
    hint: str


def _unpack(packer: str, program: str, keep: str = "") -> Callable[[str], OtherFile]:
    from shlex import quote

    def recognized(label: str) -> OtherFile:
        hint = f"put '{program} -dc |' before crdtctl" if label == _STDIN else f"{program} -d{keep} {quote(label)}"
        return OtherFile(f"it is compressed with {packer}", f"unpack it first: {hint}")

    return recognized


def _archive(kind: str, command: str) -> Callable[[str], OtherFile]:
    from shlex import quote

    return lambda label: OtherFile(
        f"it is {kind}",
        "unpack it first" if label == _STDIN else f"unpack it first: {command} {quote(label)}",
    )


def _encrypted(kind: str, command: str) -> Callable[[str], OtherFile]:
    from shlex import quote

    return lambda label: OtherFile(
        f"it is encrypted with {kind}",
        "decrypt it first" if label == _STDIN else f"{command} {quote(label)} | crdtctl merge -",
    )


_STARTS: dict[bytes, Callable[[str], OtherFile]] = {
    b"\x1f\x8b": _unpack("gzip", "gzip", "k"),
    b"\x28\xb5\x2f\xfd": _unpack("zstd", "zstd"),
    b"BZh": _unpack("bzip2", "bzip2", "k"),
    b"\xfd7zXZ\0": _unpack("xz", "xz", "k"),
    b"]\0\0": _unpack("lzma", "xz", "k"),
    b"\x04\x22\x4d\x18": _unpack("lz4", "lz4"),
    b"LZIP": _unpack("lzip", "lzip", "k"),
    b"\x1f\x9d": _unpack("compress", "gzip", "k"),
    b"PK\x03\x04": _archive("a zip archive", "unzip"),
    b"7z\xbc\xaf\x27\x1c": _archive("a 7z archive", "7z x"),
    b"age-encryption.org/": _encrypted("age", "age -d"),
    b"-----BEGIN AGE": _encrypted("age", "age -d"),
    b"-----BEGIN PGP": _encrypted("gpg", "gpg -d"),
}
_TAR = 257
_HTML = rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype\s+html|html|head|body|title)\b"
_XML = rb"\s*<\?xml\b"
_LFS = b"version https://git-lfs.github.com/spec/"
_ANNEX = rb"\s*(?:(?:\.\./)*\.git)?/annex/objects/"
_CONFLICT = rb"^(?:<<<<<<<|>>>>>>>) "
_CLOCK = rb'\s*\{\s*(?:"[^"\\]+"\s*:\s*[0-9]+\s*(?:,\s*|(?=\})))+\}\s*'
_REPORT = rb'\s*\{\s*"schema"\s*:'
_MESSAGE = rb"crdtctl: [^\n]*"
_JSON = rb"\s*[{\[]"
_TOML = rb"\s*crdtctl\s*="
_EXPORTED = "a state is what 'crdtctl export' prints"


def recognize(data: bytes, label: str) -> OtherFile | None:
    """Return the kind of a file by its first bytes, `data`; None if it is not known. `label` names it in the advice."""
    import re
    from shlex import quote

    if not data or data.isspace():
        return OtherFile("it is empty", "did the command that wrote it fail?")
    for start, make in _STARTS.items():
        if data.startswith(start):
            return make(label)
    if data[_TAR : _TAR + 5] == b"ustar":
        return _archive("a tar archive", "tar -xf")(label)
    text = data.removeprefix(b"\xef\xbb\xbf")
    if re.match(_HTML, text, re.IGNORECASE | re.DOTALL):
        return OtherFile("it is an HTML page", "a server sent a page instead of the file, perhaps a login page")
    if re.match(_XML, text):
        return OtherFile("it is XML", "a server sent something else instead of the file, perhaps an error")
    if text.startswith(_LFS):
        return OtherFile("it is a pointer of git-lfs, not the file itself", "fetch the file: git lfs pull")
    if re.match(_ANNEX, text):
        return OtherFile("it is a pointer of git-annex, not the file itself", "fetch the file: git annex get")
    if re.search(_CONFLICT, text, re.MULTILINE):
        file = "FILE" if label == _STDIN or label.startswith("/") else quote(f"./{label}")
        return OtherFile(
            "it holds conflict markers of a version control system",
            f"merge both sides: git show :2:{file} | crdtctl merge -; git show :3:{file} | crdtctl merge -",
        )
    if text.startswith(HEAD_START) or re.match(_TOML, text):
        return None
    if re.fullmatch(_CLOCK, text):
        return OtherFile("it is a clock", _EXPORTED)
    if re.match(_REPORT, text):
        return OtherFile("it is a report of crdtctl", _EXPORTED)
    if re.match(_MESSAGE, text):
        return OtherFile("it holds a message of crdtctl, not a state", "did the command that wrote it fail?")
    if not re.match(_JSON, text) and _is_text(text):
        return OtherFile("it is not a file of crdtctl", _EXPORTED)
    return None


def _is_text(data: bytes) -> bool:
    try:
        data[: LOOKED_AT - 4].decode()
    except UnicodeDecodeError as error:
        return error.start > LOOKED_AT - 8
    return b"\0" not in data
