"""Private remotes: the keys of a session, and files that do not belong there.

A file that was not put with one of the keys is never read. There are four usual mistakes. This replica has no key, or
another key than all the others: then nothing is uploaded. Some objects are plain, or some have another key because the
key is being changed: then they are reported, and the sync continues with the others.
"""

from __future__ import annotations

from crdtctl.errors import ConfigError, PartialError, printable
from crdtctl.records import replace
from crdtctl.sync.foreign_files import is_hidden, is_unfinished
from crdtctl.sync.key_sources import load
from crdtctl.sync.keys import SealedNames, key_id_of
from crdtctl.sync.object_name import ANY_DIGEST, SUFFIX, is_sealed_name, name_of, stem_of
from crdtctl.sync.sealed_transport import SealedTransport

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from crdtctl.sync.remote_session import RemoteSession
    from crdtctl.sync.sealed_transport import Outsiders

#: Maximum number of names in a message.
_SHOWN = 3


def protect(session: RemoteSession) -> None:
    """Prepare the session of a private remote: its keys, its names, and the layer over its transport.

    The cache is not used if the last sync had no key, or a key that is not set any more: it is about other objects.
    """
    keys = load(session.remote.keys, session.deadline.remaining())
    session.key = keys[0].id
    session.naming = SealedNames(keys[0]).name_of
    session.former = [SealedNames(key).name_of for key in keys[1:]]
    if session.health.key not in [key.id for key in keys]:
        session.saved, session.cache = {}, {}
        session.health = replace(session.health, missing={}, unlisted={}, unfinished={})
    session.connection = SealedTransport(session.transport, keys)


def refuse_sealed(session: RemoteSession, names: Collection[str]) -> None:
    """Raise `ConfigError` if a remote without a key is private."""
    ids = sorted({key_id_of(name) for name in names if is_sealed_name(name)}) or [session.health.key]
    raise ConfigError(
        f"this remote is private, with the key {' and '.join(ids)}; no key is set here, so nothing was uploaded",
        f"get the key file of the group, then: {_rekey(session)}",
    )


def check_outsiders(session: RemoteSession, listed: Collection[str], replica: str) -> None:
    """Record failures about the files that are not read; raise `ConfigError` if none of the objects has our key.

    `listed` are the names of the files that can be read, and `replica` is the id of this replica, whose own plain
    objects are not reported, because they are deleted.
    """
    assert isinstance(session.connection, SealedTransport)
    found = session.connection.outsiders
    has_ours = not all(map(is_hidden, listed))
    session.plain = [name for name in found.plain if name.endswith(SUFFIX)]
    own = stem_of(name_of(replica, ANY_DIGEST))
    plain = [name for name in session.plain if stem_of(name) != own]
    session.has_other_keys = bool(found.foreign)
    if found.foreign and not has_ours:
        raise _other_key(session, found.foreign)
    if plain and not has_ours and not session.remote.keys and not session.health.key:
        raise ConfigError(
            f"the objects there are plain ({_some(plain)}), and CRDTCTL_REMOTE_KEY is set, so the sync was not made",
            f"unset it for this remote, or make the remote private: {_rekey(session)}",
        )
    session.report.unread = list(_failures(session, found, plain))


def _failures(session: RemoteSession, found: Outsiders, plain: Sequence[str]) -> Iterator[PartialError]:
    """Yield the failures about files that are not read, while others are."""
    rekey = _rekey(session)
    if found.foreign:
        objects, ids = _with_other_keys(found.foreign)
        yield PartialError(
            f"the key of this remote has changed: {objects}, which is not set here; not read",
            f"get the key {ids}, then: {rekey}; if this replica has the newer key, the others do that",
        )
    if plain:
        objects = "1 object there is" if len(plain) == 1 else f"{len(plain)} objects there are"
        yield PartialError(
            f"{objects} still plain: {_some(plain)}; not read",
            f"their replicas need the key: {rekey}; if a replica is gone: crdtctl merge FILE, and delete the file",
        )
    other = [name for name in found.plain if not name.endswith(SUFFIX) and not is_unfinished(name)]
    if odd := [*found.forged, *other]:
        files = "1 file there was" if len(odd) == 1 else f"{len(odd)} files there were"
        yield PartialError(f"{files} not put with the key: {_some(odd)}; not read", "delete it, or move it away")


def _other_key(session: RemoteSession, foreign: Mapping[str, Sequence[str]]) -> ConfigError:
    """Return the error for a remote whose objects all have keys that are not set here."""
    objects, ids = _with_other_keys(foreign)
    what, question = "this remote has another key", "is it the right place, and the right key? if it is, "
    if session.health.key:
        what, question = f"the key of this remote has changed since the last sync at {session.health.last_ok}", ""
    return ConfigError(
        f"{what}: {objects}, none the key {session.key} of this replica, so the sync was not made",
        f"{question}get the key {ids}, then: {_rekey(session)}",
    )


def _with_other_keys(foreign: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """Return words about objects with other keys, and the ids of these keys."""
    number, ids = sum(map(len, foreign.values())), " and ".join(sorted(foreign))
    return f"{number} object{' has' if number == 1 else 's have'} the key {ids}", ids


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) for name in sorted(names)[:_SHOWN])
    return f"{shown}, …" if len(names) > _SHOWN else shown


def _rekey(session: RemoteSession) -> str:
    """Return the command that sets a key of this remote."""
    name = session.remote.name
    if "/" in name or ":" in name:
        return f"crdtctl remote add NAME {printable(name)} --key FILE"
    return f"crdtctl remote rekey {name} --key FILE"
