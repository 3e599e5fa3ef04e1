"""The URLs of remotes, and the transport for each scheme. No URL holds a credential.

``config.toml`` is read by people, backed up and sometimes shared, and all users of the machine can see a command line.
Therefore secrets stay where the tools of each transport keep them. A new transport needs a module and a line in
`SCHEMES`.
"""

from __future__ import annotations

from crdtctl.errors import UsageError, printable
from crdtctl.records import NamedTuple
from crdtctl.store.which import expanded
from crdtctl.sync.mounts import is_local, may_hang
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Final

    from crdtctl.sync.transport import Deadline, Transport


class Endpoint(NamedTuple):
    """The address of a remote for its transport.

    `url` is the URL from the user; `address` is the URL without the prefix that chose the transport. The transport may
    keep files that it can lose in the directory `state`, which it makes when needed.
    """

    url: str
    address: str
    deadline: Deadline
    state: str


class Scheme(NamedTuple):
    """A kind of URL: the module of its transport below `transports`, the class, and the place for its credentials.

    A URL with `has_user` may contain ``USER@``. A URL that `is_opaque` has no host; only its transport interprets it.
    """

    module: str
    name: str
    credentials: str
    has_user: bool = False
    is_opaque: bool = False


_BUCKET = Scheme("bucket.transport", "Bucket", "the environment or the provider's own configuration files")
_GIT = Scheme("git.transport", "Git", "git's credential helper")
_WEB = Scheme("http.transport", "WebDav", "~/.netrc, or CRDTCTL_HTTP_USER and CRDTCTL_HTTP_PASSWORD")
SCHEMES: Final[dict[str, Scheme]] = {
    "file": Scheme("folder.transport", "Folder", "nowhere, it needs none"),
    "ssh": Scheme("sftp.transport", "Sftp", "an ssh key or agent", has_user=True),
    "git+ssh": _GIT._replace(has_user=True),
    "git+https": _GIT,
    "git+http": _GIT,
    "git+git": _GIT,
    "git+file": _GIT,
    "s3": _BUCKET,
    "gs": _BUCKET,
    "az": _BUCKET,
    "http": _WEB,
    "https": _WEB,
    "rclone": Scheme("rclone.transport", "Rclone", "rclone's own configuration", is_opaque=True),
    "exec": Scheme("exec", "ExecProgram", "the program's own configuration", is_opaque=True),
}
#: A folder on a file system that may hang.
_HANGING_FOLDER = Scheme("folder.child_process", "ChildProcessFolder", "")
_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_OF_A_SCHEME: Final = _LETTERS.union("0123456789+.-")
_RISKY: Final = r"://[^/\s]*:[^/\s]*@"
_LINKED = b"gitdir: "
_REPOSITORY = ("HEAD", "objects", "refs")
#: A word of a command that may contain a secret, or an option whose next word may.
_RISKY_WORD: Final = r"(?i)[\w.-]*(pass(word|wd|phrase)?|token|secret|(api|access)[-_]?key|credential)s?(=.+)?"
_RISKY_PART: Final = r"(?i)://[^/\s@]*:[^/\s@]*@|\bauthorization:\s*\S"
_MAX_URL = 2000


def connect(url: str, deadline: Deadline, state: str) -> Transport:
    """Return the transport for `url`, which must have passed `check`. It connects at its first operation."""
    place = Endpoint(url, url, deadline, os.path.abspath(state))
    scheme, address = _split(url, lambda path: _is_repository_in_time(path, place))
    entry = _HANGING_FOLDER if scheme == "file" and may_hang(address) else SCHEMES[scheme]
    transport: Transport = _made(entry, place._replace(address=address))
    return transport


def _made(entry: Scheme, place: Endpoint) -> Any:
    """Return the transport at a place. Only its own module is imported."""
    module = __import__(f"crdtctl.sync.transports.{entry.module}", fromlist=[entry.name])
    return getattr(module, entry.name)(place)


def _scheme_of(url: str) -> str | None:
    """Return the scheme of a URL as it is written; None for a path."""
    scheme, colon, _ = url.partition(":")
    is_scheme = colon and scheme and scheme[0] in _LETTERS and _OF_A_SCHEME.issuperset(scheme)
    return scheme if is_scheme else None


def redacted(url: str) -> str:
    """Return a URL as printable text for messages; only its scheme if `check` refuses it."""
    try:
        check(url)
    except UsageError:
        scheme = _scheme_of(url)
        return f"{scheme}:…" if scheme else "…"
    return printable(url)


def is_command(url: str) -> bool:
    """Return whether a URL that has passed `check` is a command to run."""
    return _split(url)[0] == "exec"


def check(url: str) -> str:
    """Return the URL to store, with a path made absolute; raise `UsageError` if it is wrong or contains a secret.

    The message shows no part that may be a secret.
    """
    found = _scheme_of(url)
    _refuse_unwritable(url, is_path=found is None)
    if found is None:
        user, at, host = url.partition(":")[0].partition("@")
        if ":" in url and user and at and host and "/" not in url.partition(":")[0]:
            raise _like_scp(url)
        return os.path.abspath(expanded(url))
    scheme = found.lower()
    if scheme not in SCHEMES:
        if url[len(scheme) + 1 :].startswith(("/", "~/")) and not url.startswith("//", len(scheme) + 1):
            raise _like_scp(url)
        raise UsageError(f"the scheme '{printable(found[:40])}' is not known", _known())
    if not SCHEMES[scheme].is_opaque and not url.startswith("://", len(scheme)):
        raise UsageError(f"a URL with this scheme begins with {scheme}://", _known())
    _refuse_secrets(url, scheme)
    address = _split(url)[1]
    if SCHEMES[scheme].is_opaque or scheme == "file":
        is_place = bool(address)
    else:
        from urllib.parse import urlsplit

        parts = urlsplit(url)
        is_place = bool(parts.path if scheme == "git+file" else parts.netloc)
    if not is_place:
        raise UsageError(f"the URL has nothing after {scheme}:", _known())
    if scheme == "rclone" and ":" not in address:
        raise UsageError("the URL does not name a remote of rclone", "write it as rclone:REMOTE:PATH")
    return url


def _refuse_unwritable(url: str, *, is_path: bool) -> None:
    """Raise `UsageError` for a URL or path that does not fit into a text file, or on a line."""
    what = "path" if is_path else "URL"
    if not url.strip():
        raise UsageError(f"the {what} of a remote is empty", _known())
    if len(url) > _MAX_URL:
        raise UsageError(f"the {what} of a remote has {len(url)} characters; the maximum is {_MAX_URL}", _known())
    if url.isprintable() and url == url.strip():
        return
    if url != url.strip():
        why = "begins or ends with a space"
    elif any("\ud800" <= character <= "\udfff" for character in url):
        why = "contains bytes that are not UTF-8"
    else:
        why = "contains a line break or another unprintable character"
    if is_path:
        raise UsageError(
            f"the path of a remote {why}: '{printable(url)}'",
            "use a symbolic link to it: ln -s PATH NAME",
        )
    raise UsageError(f"the URL of a remote {why}", "percent-encode it, or copy the URL again")


def _like_scp(text: str) -> UsageError:
    """Return the error for a place written as HOST:PATH, as scp and git allow."""
    host, _, path = text.partition(":")
    rest = path if path.startswith("/") else f"/{path}" if path.startswith("~") else f"/~/{path}"
    try:
        shown = check(f"ssh://{host}{rest}").removeprefix("ssh://")
    except UsageError:  # it may contain a credential
        shown = "HOST/PATH"
    return UsageError(
        "HOST:PATH is not a URL", f"for a place on another machine, write ssh://{shown}, or git+ssh://{shown}"
    )


def _known() -> str:
    return f"use a path, or a URL with one of these schemes: {', '.join(sorted(SCHEMES))}"


def _split(url: str, is_git: Callable[[str], bool] = lambda _: False) -> tuple[str, str]:
    """Return the scheme, and the address for the transport. `is_git` decides whether a path is a git repository."""
    found = _scheme_of(url)
    if found is None:
        return ("git+file", f"file://{url}") if is_git(url) else ("file", url)
    scheme = found.lower()
    if scheme == "file":
        machine, slash, path = url[len("file://") :].partition("/")
        if machine not in ("", "localhost") or not slash:
            raise UsageError(
                "a file:// URL names a path on this machine", "write file:///PATH, or ssh:// for another machine"
            )
        from urllib.parse import unquote

        return "file", unquote(f"/{path}")
    if scheme.startswith("git+"):
        return scheme, url[len("git+") :]
    return scheme, url[len(scheme) + 1 :] if SCHEMES[scheme].is_opaque else url


def is_path(url: str) -> bool:
    """Return whether a URL that has passed `check` is a plain path, of a folder or of a repository."""
    return _scheme_of(url) is None


def is_local_folder(url: str) -> bool:
    """Return whether a URL that has passed `check` leads to a folder on a file system that is known not to hang."""
    if not is_path(url) and not url.lower().startswith("file:"):
        return False
    scheme, path = _split(url)
    return scheme == "file" and is_local(path) and not (is_path(url) and is_repository(path))


def is_repository_at(url: str, deadline: Deadline, state: str) -> bool:
    """Return whether a plain path is a git repository; raise `TransientError` if its file system hangs."""
    return _is_repository_in_time(url, Endpoint(url, url, deadline, os.path.abspath(state)))


def _is_repository_in_time(path: str, place: Endpoint) -> bool:
    """Return the result of `is_repository`, also for a path whose file system may hang."""
    folder = path.partition("#")[0]
    if not may_hang(folder):
        return is_repository(path)
    with _made(_HANGING_FOLDER, place._replace(address=path)) as distant:
        return bool(distant.is_repository())


def is_repository(path: str) -> bool:
    """Return whether a path is a git repository, bare or with a work tree, which may be a linked one."""
    place = path.partition("#")[0]
    if any(all(os.path.exists(f"{place}{inner}/{name}") for name in _REPOSITORY) for inner in ("", "/.git")):
        return True
    try:
        with open(f"{place}/.git", "rb") as file:  # a linked work tree, or a submodule
            return file.read(len(_LINKED)) == _LINKED
    except OSError:
        return False


def _refuse_secrets(url: str, scheme: str) -> None:
    import re
    from urllib.parse import unquote, urlsplit

    kept = f"keep it in {SCHEMES[scheme].credentials}"
    if re.search(_RISKY, unquote(url)):
        raise UsageError("a URL must not contain a credential", kept)
    if scheme == "rclone" and (url[len("rclone:") :].startswith(":") or "," in url.split(":")[1]):
        raise UsageError(
            "the URL contains parameters of rclone", "make a remote with 'rclone config', and use its name"
        )
    if scheme == "exec":
        _refuse_command(words(url[len("exec:") :]), kept)
    if SCHEMES[scheme].is_opaque:
        return
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        hint = f"write {scheme}://HOST:PORT/PATH, and keep a credential in {SCHEMES[scheme].credentials}"
        raise UsageError("invalid host or port in the URL", hint) from None
    if "@" in unquote(parts.netloc) and not SCHEMES[scheme].has_user:
        raise UsageError("a URL must not contain a credential", kept)
    if "?" in unquote(url) and scheme != "file":
        raise UsageError("a URL of a remote must not contain '?', because a credential may follow", kept)


def words(command: str) -> list[str]:
    """Return the words of a command, split as a shell does; raise `UsageError` if that is not possible."""
    import shlex

    try:
        found = shlex.split(command)
    except ValueError as error:
        raise UsageError(
            f"the command after exec: cannot be split into words: {str(error).lower()}", "check its quotes"
        ) from None
    if not found or not found[0]:
        raise UsageError("missing command after exec:", "write exec:COMMAND")
    return found


def _refuse_command(command: list[str], kept: str) -> None:
    import re

    for word, following in zip(command, [*command[1:], ""], strict=True):
        found = re.fullmatch(_RISKY_WORD, word)
        if re.search(_RISKY_PART, word) or (found and (found[4] or (word.startswith("--") and following))):
            raise UsageError("a command must not contain a credential", kept)
    if os.path.basename(command[0]) == "ssh":
        message = "ssh passes file names to a shell, and other people may choose names that are commands"
        raise UsageError(message, "use ssh://, or a script that quotes names, such as examples/exec-transport.sh")
