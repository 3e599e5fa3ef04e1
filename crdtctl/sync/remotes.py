"""Which remotes are meant, by name, URL or path."""

import os
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from crdtctl.errors import ConfigError, UsageError, printable
from crdtctl.store.findings import raise_last
from crdtctl.store.neighbours import neighbours
from crdtctl.store.replica import Replica
from crdtctl.suggestions import did_you_mean
from crdtctl.sync.engine import sync
from crdtctl.sync.failures import failures
from crdtctl.sync.mounts import may_hang
from crdtctl.sync.report import Options, Remote, SyncReport
from crdtctl.sync.schemes import check as check_url
from crdtctl.sync.schemes import is_command, is_path


def synchronize(
    replica: Replica, *remotes: str | os.PathLike[str], options: Options | None = None, check: bool = True
) -> SyncReport:
    """Exchange all that a replica and remotes know; return what was done at each remote.

    Remotes are named as on the command line: by name, URL or path; without any, all remotes of the replica are meant.
    Raise `UsageError` or `ConfigError` for a remote that cannot be used, and `BusyError` if another sync of this
    replica does not end in time.

    What fails at one remote holds up no other. At the end, raise the gravest of the failures that the command reports:
    of a remote, of a file that was skipped there, of a replica with several writers. Its `report` says what was done.
    Without `check`, only return the report.
    """
    if not isinstance(options, Options | None):
        raise UsageError(f"options are crdtctl.Options, not {type(options).__name__}")
    report = sync(replica, named_remotes(replica, [_word(one) for one in remotes]), options)
    if check:
        raise_last(failures(report), report)
    return report


def _word(remote: str | os.PathLike[str]) -> str:
    """Return a remote as it is named on the command line, where a path has a '/'."""
    if isinstance(remote, str):
        return remote
    if isinstance(remote, os.PathLike):
        return os.path.abspath(os.fspath(remote))
    raise UsageError(f"a remote is a name, a URL or a path, not {type(remote).__name__}")


def named_remotes(replica: Replica, words: Sequence[str] | None) -> list[Remote]:
    """Return the remotes that are named, by name, URL or path; all if none is. Raise `UsageError` if there is none."""
    known = replica.remotes()
    if not words:
        if not known:
            raise UsageError("there is no remote to meet at", _hint(replica))
        words = list(known)
    found = []
    for word in words:
        if word in known:
            found.append(configured(word, known[word]))
            if is_command(found[-1].url) and not replica.owns_settings():
                raise ConfigError(
                    f"config.toml: the remote {word} is a command, and somebody else may have written it",
                    "look at it, and make the file yours alone: chown, chmod o-w",
                )
        elif is_place(word):
            found.append(Remote(printable(word), own_place(check_url(word))))
        else:
            hint = did_you_mean(word, known) or "'crdtctl remote list' lists them; a path has a '/'"
            raise UsageError(f"there is no remote '{printable(word[:80])}'", hint)
    return found


def _hint(replica: Replica) -> str:
    """Return what to do where a replica has no remotes: another one of the same user may be the one that was meant."""
    for other in neighbours(replica.path):
        if other.remotes:
            return f"{other}: 'crdtctl --replica {printable(other.path)} sync'; or name a URL, see 'crdtctl remote add'"
    return "name a URL, or see 'crdtctl remote add'"


def own_place(url: str) -> str:
    """Return the URL; raise `UsageError` for the root and the home directory, which hold other things than states."""
    is_folder_url = url.startswith("file:///")
    named = unquote(urlsplit(url).path) if is_folder_url else url
    path = _resolved(named) if is_folder_url or is_path(url) else ""
    which = {"/": "the root directory", _resolved(os.path.expanduser("~")): "your home directory"}.get(path)
    if which:
        raise UsageError(
            f"{printable(url)} is {which}, whose files are no states",
            f"name a folder for the counters: {printable(named.rstrip('/'))}/counts",
        )
    return url


def _resolved(path: str) -> str:
    """Return a path without links; on a file system that may hang, nothing is asked."""
    path = os.path.abspath(path)
    return path if may_hang(path) else os.path.realpath(path)


def configured(name: str, url: str) -> Remote:
    """Return a remote as ``config.toml`` has it; raise `ConfigError` for one that cannot be used."""
    try:
        return Remote(name, check_url(url))
    except UsageError as error:
        raise ConfigError(f"config.toml: the remote {name}: {error.message}", error.hint) from None


def is_place(word: str) -> bool:
    """Return whether a word is a URL or a path, and no name; raise `UsageError` for one that cannot be used."""
    if ":" in word or "/" in word or word in (".", "..", "~"):
        check_url(word)
        return True
    return False
