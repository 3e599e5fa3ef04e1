"""The remotes of a sync, given by name, URL or path."""

from __future__ import annotations

from crdtctl.contexts import suppress
from crdtctl.errors import ConfigError, CrdtctlError, UsageError, printable
from crdtctl.records import replace
from crdtctl.sync.mounts import may_hang
from crdtctl.sync.report import Options, Remote, SyncReport
from crdtctl.sync.schemes import check as check_url
from crdtctl.sync.schemes import is_command, is_path
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.store.config import RemoteSettings
    from crdtctl.store.replica import Replica


def synchronize(
    replica: Replica, *remotes: str | os.PathLike[str], options: Options | None = None, check: bool = True
) -> SyncReport:
    """Exchange all entries between a replica and remotes; return a report about each remote.

    Remotes are given as on the command line: by name, URL or path. Without any, all remotes of the replica are used.
    Raise `UsageError` or `ConfigError` for a remote that cannot be used, and `BusyError` if another sync of this
    replica does not end in time.

    A failure at one remote does not delay the others. In the end, the gravest failure that the command would report is
    raised: of a remote, of a file that was skipped there, or of a replica with several writers. Its attribute `report`
    holds the report. With ``check=False`` the report is returned and failures are not raised.
    """
    from crdtctl.store.findings import raise_last
    from crdtctl.sync.engine import sync
    from crdtctl.sync.failures import failures

    if not isinstance(options, Options | None):
        raise UsageError(f"options are crdtctl.Options, not {type(options).__name__}")
    report = sync(replica, named_remotes(replica, [_word(one) for one in remotes]), options)
    if check:
        raise_last(failures(report), report)
    return report


def _word(remote: str | os.PathLike[str]) -> str:
    """Return a remote as the command line has it, where a path contains a '/'."""
    if isinstance(remote, str):
        return remote
    if isinstance(remote, os.PathLike):
        return os.path.abspath(os.fspath(remote))
    raise UsageError(f"a remote is a name, a URL or a path, not {type(remote).__name__}")


def named_remotes(replica: Replica, words: Sequence[str] | None) -> list[Remote]:
    """Return the remotes with these names, URLs or paths, or all remotes; raise `UsageError` if the list is empty."""
    known = replica.remote_settings()
    if not words:
        if not known:
            raise UsageError("this replica has no remote to sync with", _hint(replica))
        words = list(known)
    found = []
    for word in words:
        if word in known:
            found.append(configured(word, known[word]))
            is_run = is_command(found[-1].url) or any(map(is_command, found[-1].keys))
            if is_run and not replica.owns_settings():
                raise ConfigError(
                    f"config.toml: the remote {word} has a command, and another user may have written it",
                    "read the command; then make yourself the only one who may write the file: chown, chmod o-w",
                )
        elif is_place(word):
            found.append(_at(own_place(check_url(word)), printable(word), known))
        else:
            from crdtctl.suggestions import did_you_mean

            hint = did_you_mean(word, known) or "'crdtctl remote list' shows all remotes; a path needs a '/'"
            raise UsageError(f"this replica has no remote named '{printable(word[:80])}'", hint)
    return found


def _at(url: str, word: str, known: Mapping[str, RemoteSettings]) -> Remote:
    """Return the remote at a URL. The limits and the keys of a configured remote hold, also if it is given by a URL."""
    from crdtctl.sync.same_place import is_same_place

    for name, settings in known.items():
        with suppress(CrdtctlError):  # a fault of another remote
            remote = configured(name, settings)
            if is_same_place(remote.url, url):
                return replace(remote, name=word)
    return Remote(word, url)


def _hint(replica: Replica) -> str:
    """Return the hint for a replica without remotes: another replica of the same user may have some."""
    from crdtctl.store.neighbours import neighbours

    for other in neighbours(replica.path):
        if other.remotes:
            return f"{other}: 'crdtctl --replica {printable(other.path)} sync'; or name a URL, see 'crdtctl remote add'"
    return "name a URL, or see 'crdtctl remote add'"


def own_place(url: str) -> str:
    """Return the URL; raise `UsageError` for the root and the home directory, which hold other files than states."""
    is_folder_url = url.startswith("file:///")
    named = url
    if is_folder_url:
        from urllib.parse import unquote, urlsplit

        named = unquote(urlsplit(url).path)
    path = _resolved(named) if is_folder_url or is_path(url) else ""
    which = {"/": "the root directory", _resolved(os.path.expanduser("~")): "your home directory"}.get(path)
    if which:
        raise UsageError(
            f"{printable(url)} is {which}, which holds other files than states",
            f"name a folder for the counters: {printable(named.rstrip('/'))}/counts",
        )
    return url


def _resolved(path: str) -> str:
    """Return a path without symbolic links. On a file system that may hang, the path is not resolved."""
    path = os.path.abspath(path)
    return path if may_hang(path) else os.path.realpath(path)


def configured(name: str, settings: RemoteSettings) -> Remote:
    """Return a remote from ``config.toml``; raise `ConfigError` if it cannot be used."""
    try:
        return Remote(name, check_url(settings.url), *settings[1:])
    except UsageError as error:
        raise ConfigError(f"config.toml: the remote {name}: {error.message}", error.hint) from None


def is_place(word: str) -> bool:
    """Return whether a word is a URL or a path rather than a name; raise `UsageError` if it cannot be used."""
    if ":" in word or "/" in word or word in (".", "..", "~"):
        check_url(word)
        return True
    return False
