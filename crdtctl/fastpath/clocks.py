"""The plain form of ``clock``."""

from crdtctl.codec import plain
from crdtctl.fastpath.finding import find
from crdtctl.fastpath.showing import print_text, read_files
from crdtctl.system import os

#: No counter has this name. A search for it checks the file.
_NO_NAME = b"="


def clock(where: str | None) -> int | None:
    """Print the clock of a replica. Return the exit status; None if the full command has to."""

    def look_up(own: int, recent: int | None, known: int | None) -> tuple[bytes, bytes]:
        if recent is not None:
            raise ValueError  # it has the header of the last commit
        return _header(own, "own"), b"" if known is None else _header(known, "heard")

    mine, theirs = read_files(where, look_up)
    own = plain.read_own_header(mine)
    commits = dict(plain.members_of(plain.between(theirs, b'"clock":{', b"}"), b'":', b',"', b""))
    if own.replica in commits:
        return None
    commits[own.replica] = b"%d" % own.seq
    return print_text(b"{%b}\n" % b",".join([b'"%b":%b' % (replica, commits[replica]) for replica in sorted(commits)]))


def _header(fd: int, kind: str) -> bytes:
    """Return the header of a file. Raise ValueError if the file is special."""
    if find(fd, kind, _NO_NAME):
        raise ValueError
    return plain.header_line(os.pread(fd, plain.MAX_HEADER, 0))
