"""Which remotes are meant, by name, URL or path."""

from collections.abc import Sequence

from crdtctl.errors import ConfigError, UsageError, printable
from crdtctl.store.replica import Replica
from crdtctl.sync.schemes import check, redacted
from crdtctl.sync.sync import Remote


def named_remotes(replica: Replica, words: Sequence[str] | None) -> list[Remote]:
    """Return the remotes that are named, by name, URL or path; all if none is. Raise `UsageError` if there is none."""
    known = replica.remotes()
    if not words:
        if not known:
            raise UsageError("there is no remote to meet at", "name a URL, or see 'crdtctl remote add'")
        words = list(known)
    found = []
    for word in words:
        if word in known:
            try:
                found.append(Remote(word, check(known[word])))
            except UsageError as error:
                raise ConfigError(f"config.toml: the remote {word}: {error.message}", error.hint) from None
        elif ":" in word or "/" in word or word in (".", ".."):
            url = check(word)
            found.append(Remote(redacted(word), url))
        else:
            raise UsageError(
                f"there is no remote '{printable(word[:80])}'", "'crdtctl remote list' lists them; a path has a '/'"
            )
    return found
