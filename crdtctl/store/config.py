"""``config.toml``: settings, for people to edit. Read only when a setting matters."""

from __future__ import annotations

from crdtctl.codec.invalid import MAX_ANY_LAYOUT
from crdtctl.errors import ConfigError, UsageError, from_os
from crdtctl.records import NamedTuple, Record, field
from crdtctl.store.durable import close, open_state, read_all
from crdtctl.store.encodings import utf8
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from crdtctl.errors import CrdtctlError
else:
    pass

TEMPLATE = """\
# Settings of this replica. The values behind "#" are the defaults.

# How many seconds a command waits for a lock that another process holds.
# lock_timeout = 30

# The periods that new counters keep, "15m", "hour" or "day", and for how long. An hll and a hist keep periods only if
# they are created with --every. See 'crdtctl help time'.
# every = "day"
# keep = "400d"

# Whether each count of this replica is recorded, with its time and note. See 'crdtctl help undo'.
# journal = "counts"

# Where 'crdtctl sync' meets others: a name, and a URL without credentials. See also 'crdtctl remote'.
# [remotes]
# hub = "ssh://hub.example.org/srv/counts"
# archive = { url = "/media/archive/counts", only = "pull", keep_old = false }
# office = { url = "s3://team/counts", key = "/home/me/office.key" }

# Which type the name of a counter means, where this replica uses several types of the name, or none itself.
# [types]
# builds = "pncounter"
"""

WHICH = "config"
ENDING = ".toml"
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_LONGEST_NAME = 40
NAMES = "up to 40 letters, digits, '-' and '_', the first of them no '-'"
_TABLE = r"\s*\[\s*remotes\s*\]\s*(?:#.*)?$"
#: A remote can be limited to one direction.
DIRECTIONS = ("pull", "push")
_HOURS = {"h": 1, "d": 24, "w": 168}
_HINT = "correct it, or delete it to have the defaults"


class RemoteSettings(NamedTuple):
    """The settings of a remote: its URL, the limits of a sync there, and the sources of its keys.

    With `only` ``"pull"`` nothing is written there, with ``"push"`` nothing is merged from there. With `keep_old`
    nothing is deleted there.

    A private remote has `keys`: paths of key files, or commands after ``exec:``. The first key seals objects, all of
    them open objects.
    """

    url: str
    only: str = ""
    keep_old: bool = False
    keys: tuple[str, ...] = ()


class Config(Record):
    """The settings of a replica: seconds, remotes by name, and types by the names of counters.

    `every` and `keep` are the periods of new counters, as in an `Operation`. With `journal`, counts are recorded.
    """

    lock_timeout: float = 30.0
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    every: int | None = None
    keep: int | None = None
    journal: bool = False


def read(directory: int, path: str) -> Config:
    """Return the settings in the replica's open `directory`; `path` is for messages. Raise `ConfigError`."""
    return parse(_content(directory, path), path)


def is_ours(directory: int) -> bool:
    """Return whether only this user and root can have written the settings, so that a command in them may be run."""
    try:
        status = os.stat(f"{WHICH}{ENDING}", dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return True
    return status.st_uid in (0, os.geteuid()) and not status.st_mode & stat.S_IWOTH


def edit(directory: int, path: str, change: Callable[[str], str]) -> tuple[str, Config]:
    """Return the text of the settings after a `change`, and the settings in it. Raise `ConfigError`."""
    text = change(_content(directory, path))
    return text, parse(text, path)


def _content(directory: int, path: str) -> str:
    try:
        fd = open_state(directory, f"{WHICH}{ENDING}")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unreadable(error, path) from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigError(f"{path} is not a regular file", _HINT)
        if status.st_size > MAX_ANY_LAYOUT:
            raise ConfigError(f"{path} is larger than {MAX_ANY_LAYOUT} bytes", _HINT)
        return b"".join(utf8([read_all(fd)])).decode()
    except ValueError as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}", _HINT) from None
    except OSError as error:
        raise _unreadable(error, path) from None
    finally:
        close(fd)


def _unreadable(error: OSError, path: str) -> CrdtctlError:
    """Return the failure for settings that cannot be read: of the file itself, or of the disk."""
    import errno  # only here: settings are rarely unreadable

    if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO):
        return ConfigError(f"cannot read {path}: {os.strerror(error.errno)}", _HINT)
    return from_os(error, f"read {path}")


def is_name(text: str) -> bool:
    """Return whether `text` may be the name of a remote, see `NAMES`."""
    return 0 < len(text) <= _LONGEST_NAME and text[0] != "-" and _LETTERS.issuperset(text)


def _is_comment(line: str) -> bool:
    return not line or (line[0] == "#" and line.isascii() and line.isprintable())


def parse(text: str, path: str) -> Config:
    """Return the settings in `text`; `path` is for messages. Raise `ConfigError`."""
    if all(map(_is_comment, text.split("\n"))):
        return Config()  # nothing is set: the usual file needs no parser
    from crdtctl.codec import toml
    from crdtctl.codec.invalid import Invalid
    from crdtctl.crdt import TYPES

    try:
        tree = toml.loads(text, float)
    except (Invalid, ValueError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}", _HINT) from None
    timeout = tree.pop("lock_timeout", Config().lock_timeout)
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not 0 <= timeout <= 1e9:
        raise ConfigError(f"{path}: lock_timeout must be a number of seconds, at least 0", _HINT)
    tables = tree.pop("remotes", {})
    if not isinstance(tables, dict):
        raise ConfigError(f"{path}: remotes must be a table", _HINT)
    remotes = {name: _remote(name, value, path) for name, value in tables.items()}
    types = tree.pop("types", {})
    if not isinstance(types, dict) or not all(tag in TYPES for tag in types.values()):
        raise ConfigError(f"{path}: types must be a table of counters, each with one of {', '.join(TYPES)}", _HINT)
    every, keep = _periods(tree.pop("every", None), tree.pop("keep", None), path)
    journal = tree.pop("journal", None)
    if journal not in (None, "counts"):
        raise ConfigError(f'{path}: journal can only be "counts"', _HINT)
    if tree:
        raise ConfigError(f"{path}: unknown setting {min(tree)!r}", _HINT)
    return Config(float(timeout), remotes, types, every, keep, journal is not None)


def _remote(name: str, value: object, path: str) -> RemoteSettings:
    """Return the settings of a remote, which are a URL or a table."""
    if not is_name(name):
        raise ConfigError(f"{path}: the name of a remote is {NAMES}, not {name[:80]!r}", _HINT)
    if isinstance(value, str):
        return RemoteSettings(value)
    if not isinstance(value, dict) or not isinstance(value.get("url"), str):
        raise ConfigError(f"{path}: the remote {name} must be a URL, or a table with a url", _HINT)
    only, keep_old = value.get("only", ""), value.get("keep_old", False)
    if "only" in value and only not in DIRECTIONS:
        raise ConfigError(f'{path}: only of the remote {name} must be "pull" or "push"', _HINT)
    if not isinstance(keep_old, bool):
        raise ConfigError(f"{path}: keep_old of the remote {name} must be true or false", _HINT)
    if unknown := value.keys() - {"url", "only", "keep_old", "key"}:
        raise ConfigError(f"{path}: unknown setting {min(unknown)!r} of the remote {name}", _HINT)
    key = value.get("key", [])
    keys = [key] if isinstance(key, str) else key
    if not isinstance(keys, list) or not all(isinstance(one, str) and one.startswith(("/", "exec:")) for one in keys):
        raise ConfigError(f"{path}: key of the remote {name} must be an absolute path, or exec: and a command", _HINT)
    if "key" in value and not keys:
        raise ConfigError(f"{path}: key of the remote {name} is empty", _HINT)
    return RemoteSettings(value["url"], only, keep_old, tuple(keys))


def _periods(every: object, keep: object, path: str) -> tuple[int | None, int | None]:
    from crdtctl.store.validation import checked_every, checked_keep

    if isinstance(keep, str) and keep[-1:] in _HOURS and keep[:-1].isdigit() and keep.isascii():
        keep = int(keep[:-1]) * _HOURS[keep[-1]] * 3600 if len(keep) < 8 else -1
    try:
        rank = checked_every(every)
        if rank is None and keep is not None:
            raise ConfigError(f"{path}: keep needs every", _HINT)
        return rank, checked_keep(keep, rank)
    except UsageError as error:
        raise ConfigError(f"{path}: {error.message}", _HINT) from None


def with_remote(text: str, name: str, remote: RemoteSettings) -> str:
    """Return the settings with one more remote, and everything else as people wrote it."""
    line = _line(name, remote)
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    start, end = _section(lines)
    if start is None:
        return "".join([*lines, "\n" if lines else "", "[remotes]\n", line])
    while not lines[end - 1].strip():
        end -= 1
    return "".join([*lines[:end], line, *lines[end:]])


def _line(name: str, remote: RemoteSettings) -> str:
    """Return the line of a remote."""
    if remote == RemoteSettings(remote.url):
        return f"{name} = {_quoted(remote.url)}\n"
    parts = [f"url = {_quoted(remote.url)}"]
    if remote.only:
        parts.append(f'only = "{remote.only}"')
    if remote.keep_old:
        parts.append("keep_old = true")
    if remote.keys:
        keys = [_quoted(key) for key in remote.keys]
        parts.append(f"key = {keys[0]}" if len(keys) == 1 else f"key = [{', '.join(keys)}]")
    return f"{name} = {{ {', '.join(parts)} }}\n"


def _quoted(text: str) -> str:
    return '"{}"'.format(text.replace("\\", "\\\\").replace('"', '\\"'))


def changed_remote(text: str, name: str, remote: RemoteSettings) -> str:
    """Return the settings with another line for a remote, and everything else as people wrote it."""
    lines = text.splitlines(keepends=True)
    return "".join(_line(name, remote) if is_its else line for line, is_its in _marked(lines, name))


def without_remote(text: str, name: str) -> str:
    """Return the settings without a remote, and everything else as people wrote it."""
    return "".join(line for line, is_its in _marked(text.splitlines(keepends=True), name) if not is_its)


def _marked(lines: Sequence[str], name: str) -> Iterator[tuple[str, bool]]:
    """Yield each line, and whether it is the line of a remote."""
    start, end = _section(lines)
    import re

    key = re.compile(rf"""\s*(?:{name}|"{name}"|'{name}')\s*=""")
    for i, line in enumerate(lines):
        yield line, start is not None and start < i < end and key.match(line) is not None


def _section(lines: Sequence[str]) -> tuple[int | None, int]:
    """Return the number of the line that begins the table of remotes, if there is one, and of that after its end."""
    import re

    start = next((i for i, line in enumerate(lines) if re.match(_TABLE, line)), None)
    if start is None:
        return None, len(lines)
    return start, next((i for i, line in enumerate(lines) if i > start and line.lstrip().startswith("[")), len(lines))
