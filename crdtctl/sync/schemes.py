"""URL → transport: a new transport is one module and one line here. No URL holds a credential.

``config.toml`` is read by people, backed up, and sometimes shared, and a command line is seen by everybody on the
machine; so secrets stay where each transport's own tools keep them.
"""

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from crdtctl.errors import UsageError, printable
from crdtctl.store.which import expanded
from crdtctl.sync.mounts import may_hang
from crdtctl.sync.transport import Deadline, Transport


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a remote is, as its transport takes it.

    `url` is what the user wrote; `address` is the same without the word that chose the transport; `state` is a
    directory of this replica's in which a transport may keep what it may lose, made when it is needed.
    """

    url: str
    address: str
    deadline: Deadline
    state: str


class Scheme(NamedTuple):
    """How a kind of URL is reached: the module here, its class, and where its credentials belong."""

    module: str
    name: str
    credentials: str


_BUCKET = Scheme("bucket.transport", "Bucket", "the environment or the provider's own configuration files")
_GIT = Scheme("git.transport", "Git", "git's credential helper")
_WEB = Scheme("http.transport", "WebDav", "~/.netrc, or CRDTCTL_HTTP_USER and CRDTCTL_HTTP_PASSWORD")
SCHEMES: Final[dict[str, Scheme]] = {
    "file": Scheme("folder.transport", "Folder", "nowhere, it needs none"),
    "ssh": Scheme("sftp.transport", "Sftp", "an ssh key or agent"),
    "git+ssh": _GIT,
    "git+https": _GIT,
    "git+http": _GIT,
    "git+git": _GIT,
    "git+file": _GIT,
    "s3": _BUCKET,
    "gs": _BUCKET,
    "az": _BUCKET,
    "http": _WEB,
    "https": _WEB,
    "rclone": Scheme("rclone.transport", "Rclone", "rclone's own configuration"),
    "exec": Scheme("exec", "ExecProgram", "the program's own configuration"),
}
#: A folder whose file system may hang.
_HANGING_FOLDER = Scheme("folder.child_process", "ChildProcessFolder", "")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
#: Kinds of URL in which what follows the first colon is somebody else's to understand.
_OPAQUE = ("exec", "rclone")
_SECRET = re.compile(r"://[^/\s]*:[^/\s]*@")
#: How ``ssh`` and ``git`` spell a place without a scheme.
_LIKE_SCP = re.compile(r"[^/:]+@[^/:]+:")
_LINKED = b"gitdir: "
_REPOSITORY = ("HEAD", "objects", "refs")
#: What a word of a command that tells a secret looks like; an option also when the next word does.
_TELLING = re.compile(r"(?i)[\w.-]*(pass(word|wd|phrase)?|token|secret|(api|access)[-_]?key|credential)s?(=.+)?")
_TELLING_INSIDE = re.compile(r"(?i)://[^/\s@]*:[^/\s@]*@|\bauthorization:\s*\S")
_MAX_URL = 2000


def connect(url: str, deadline: Deadline, state: str) -> Transport:
    """Return the transport for `url`, which must have passed `check`; nothing is reached yet."""
    place = Endpoint(url, url, deadline, os.path.abspath(state))
    scheme, address = _split(url, lambda path: _is_repository_in_time(path, place))
    entry = _HANGING_FOLDER if scheme == "file" and may_hang(address) else SCHEMES[scheme]
    transport: Transport = _made(entry, replace(place, address=address))
    return transport


def _made(entry: Scheme, place: Endpoint) -> Any:
    return getattr(import_module(f"crdtctl.sync.transports.{entry.module}"), entry.name)(place)


def redacted(url: str) -> str:
    """Return a URL fit to be shown, in printable characters; of one that `check` refuses, its scheme alone."""
    try:
        check(url)
    except UsageError:
        scheme = _SCHEME.match(url)
        return f"{scheme[1]}:…" if scheme else "…"
    return printable(url)


def is_command(url: str) -> bool:
    """Return whether a URL that has passed `check` is a command that will be run."""
    return _split(url)[0] == "exec"


def check(url: str) -> str:
    """Return the URL to keep, a path made absolute; raise `UsageError` for one that is wrong or tells secrets.

    The message shows nothing of what may be a secret.
    """
    found = _SCHEME.match(url)
    _refuse_unwritable(url, is_path=found is None)
    if found is None:
        if _LIKE_SCP.match(url):
            raise _like_scp(url)
        return os.path.abspath(expanded(url))
    scheme = found[1].lower()
    if scheme not in SCHEMES:
        if url[len(scheme) + 1 :].startswith(("/", "~/")) and not url.startswith("//", len(scheme) + 1):
            raise _like_scp(url)
        raise UsageError(f"there is no transport '{printable(found[1][:40])}'", _known())
    if scheme not in _OPAQUE and not url.startswith("://", len(scheme)):
        raise UsageError(f"a URL of this kind begins with {scheme}://", _known())
    _refuse_secrets(url, scheme)
    address = _split(url)[1]
    if scheme in (*_OPAQUE, "file"):
        is_place = bool(address)
    else:
        parts = urlsplit(url)
        is_place = bool(parts.path if scheme == "git+file" else parts.netloc)
    if not is_place:
        raise UsageError(f"a URL of this kind names a place behind {scheme}:", _known())
    if scheme == "rclone" and ":" not in address:
        raise UsageError("that names no remote of rclone", "write it as rclone:REMOTE:PATH")
    return url


def _refuse_unwritable(url: str, *, is_path: bool) -> None:
    """Raise `UsageError` for a URL or path that cannot be kept in a file of text, or shown in a line."""
    what = "path" if is_path else "URL"
    if not url.strip():
        raise UsageError(f"the {what} of a remote is empty", _known())
    if len(url) > _MAX_URL:
        raise UsageError(f"the {what} of a remote has {len(url)} characters, and may have {_MAX_URL}", _known())
    if url.isprintable() and url == url.strip():
        return
    if url != url.strip():
        why = "begins or ends with a space"
    elif any("\ud800" <= character <= "\udfff" for character in url):
        why = "has bytes that are not UTF-8"
    else:
        why = "has a line break, or another character that cannot be shown"
    if is_path:
        raise UsageError(f"the path of a remote {why}: '{printable(url)}'", "name a link to it: ln -s THERE A-NAME")
    raise UsageError(f"the URL of a remote {why}", "percent-encode it, or copy the URL again")


def _like_scp(text: str) -> UsageError:
    """Return the failure that says how a place is written that scp and git spell HOST:PATH."""
    host, _, path = text.partition(":")
    rest = path if path.startswith("/") else f"/{path}" if path.startswith("~") else f"/~/{path}"
    try:
        shown = check(f"ssh://{host}{rest}").removeprefix("ssh://")
    except UsageError:  # it may hold a credential
        shown = "HOST/PATH"
    return UsageError("a place on another machine is a URL", f"write ssh://{shown}, or git+ssh://{shown}")


def _known() -> str:
    return f"give it a path, or a URL that begins with one of {', '.join(sorted(SCHEMES))}"


def _split(url: str, is_git: Callable[[str], bool] = lambda _: False) -> tuple[str, str]:
    """Return the scheme, and the address as its transport takes it; `is_git` says which paths are repositories."""
    found = _SCHEME.match(url)
    if found is None:
        return ("git+file", f"file://{url}") if is_git(url) else ("file", url)
    scheme = found[1].lower()
    if scheme == "file":
        machine, slash, path = url[len("file://") :].partition("/")
        if machine not in ("", "localhost") or not slash:
            raise UsageError("a file:// URL names a path of this machine", "file:///PATH; ssh:// is for another one")
        return "file", unquote(f"/{path}")
    if scheme.startswith("git+"):
        return scheme, url[len("git+") :]
    return scheme, url[len(scheme) + 1 :] if scheme in _OPAQUE else url


def is_path(url: str) -> bool:
    """Return whether a URL that has passed `check` is a plain path, of a folder or of a repository."""
    return _SCHEME.match(url) is None


def is_repository_at(url: str, deadline: Deadline, state: str) -> bool:
    """Return whether a plain path is that of a git repository; raise `TransientError` if its file system hangs."""
    return _is_repository_in_time(url, Endpoint(url, url, deadline, os.path.abspath(state)))


def _is_repository_in_time(path: str, place: Endpoint) -> bool:
    """Return the same as `is_repository`, also for a path whose file system may hang."""
    folder = path.partition("#")[0]
    if not may_hang(folder):
        return is_repository(path)
    with _made(_HANGING_FOLDER, replace(place, address=path)) as distant:
        return bool(distant.is_repository())


def is_repository(path: str) -> bool:
    """Return whether a path is that of a git repository, bare or with a work tree, which may be a linked one."""
    place = path.partition("#")[0]
    if any(all(os.path.exists(f"{place}{inner}/{name}") for name in _REPOSITORY) for inner in ("", "/.git")):
        return True
    try:
        with open(f"{place}/.git", "rb") as file:  # of a linked work tree, and of a submodule
            return file.read(len(_LINKED)) == _LINKED
    except OSError:
        return False


def _refuse_secrets(url: str, scheme: str) -> None:
    kept = f"keep it in {SCHEMES[scheme].credentials}"
    if _SECRET.search(unquote(url)):
        raise UsageError("a URL must not hold a credential", kept)
    if scheme == "rclone" and (url[len("rclone:") :].startswith(":") or "," in url.split(":")[1]):
        raise UsageError("a remote of rclone is named here, without its parameters", "make it with 'rclone config'")
    if scheme == "exec":
        _refuse_command(words(url[len("exec:") :]), kept)
    if scheme in _OPAQUE:
        return
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        hint = f"write {scheme}://HOST:PORT/PATH; a credential belongs in {SCHEMES[scheme].credentials}"
        raise UsageError("the host or port in that URL cannot be", hint) from None
    if "@" in unquote(parts.netloc) and scheme not in ("ssh", "git+ssh"):
        raise UsageError("a URL must not hold a credential", kept)
    if "?" in unquote(url) and scheme != "file":
        raise UsageError("a URL of a remote has no '?': it might hold a credential", kept)


def words(command: str) -> list[str]:
    """Return the words of a command, split as a shell splits them; raise `UsageError` where that cannot be done."""
    try:
        found = shlex.split(command)
    except ValueError as error:
        raise UsageError(f"the command after exec: cannot be split into words: {str(error).lower()}") from None
    if not found or not found[0]:
        raise UsageError("there is no command after exec:")
    return found


def _refuse_command(command: list[str], kept: str) -> None:
    for word, following in zip(command, [*command[1:], ""], strict=True):
        found = _TELLING.fullmatch(word)
        if _TELLING_INSIDE.search(word) or (found and (found[4] or (word.startswith("--") and following))):
            raise UsageError("a command must not hold a credential", kept)
    if os.path.basename(command[0]) == "ssh":
        message = "ssh has a shell read the names of files, and strangers may give them names that are commands"
        raise UsageError(message, "use ssh://, or a script that quotes them, as examples/exec-transport.sh does")
