"""Connect the session of a remote: its transport, with retries, and with its keys if it is private."""

from __future__ import annotations

from crdtctl.sync.path_kind import address, kind_of
from crdtctl.sync.retry import RetryingTransport
from crdtctl.sync.schemes import connect
from crdtctl.sync.transport import KEY_VARIABLE
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.sync.remote_session import RemoteSession


def connect_session(session: RemoteSession, state: str, jobs: int | None) -> str:
    """Connect a session, and return the kind of its place, see `kind_of`. The transport may keep files in `state`."""
    remote, deadline = session.remote, session.deadline
    kind = kind_of(remote.url, deadline, state)
    url = address(remote.url, kind, session.health.kind)
    session.connection = RetryingTransport(connect(url, deadline, state), deadline, jobs)
    if remote.keys or KEY_VARIABLE in os.environ:
        from crdtctl.sync.private import protect  # few remotes are private

        protect(session)
    return kind
