"""Finds the line of a counter in a file, for the fast path."""

from crdtctl.codec import plain
from crdtctl.codec.layout import TRAILER_SIZE, InMemory, is_trailer, is_whole, search
from crdtctl.store import durable
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.codec.layout import Pages

#: The start of a line that is not a counter's.
_RESERVED_LINE = b'"' + plain.RESERVED


def find(fd: int, kind: str, name: bytes, *, alone: bool = True) -> bytes:
    """Return the line of a counter in a file; empty without one. Raise ValueError if the file is special.

    If the counter has to stand `alone`, that includes a file that has its name with labels as well.
    """
    status = os.fstat(fd)
    size = status.st_size
    if not stat.S_ISREG(status.st_mode):
        raise ValueError
    pages: Pages
    if size <= durable.VERIFY_BELOW:
        data = durable.read_all(fd)
        if len(data) != size or not is_whole(data):
            raise ValueError
        pages = InMemory(data)
    else:
        pages = durable.OnDisk(fd)
    header = plain.header_line(pages.read(0, plain.MAX_HEADER))
    start, end = len(header), size - TRAILER_SIZE
    first, last = search(pages, start, end, plain.RESERVED)
    after = last + 2 if first < last else last
    if pages.read(after, len(_RESERVED_LINE)) == _RESERVED_LINE:
        raise ValueError  # attempts of jobs: some of them may not count
    if kind == "own":
        plain.read_own_header(header)
    else:
        plain.check_known_header(header)
    if kind != "known" and first < last:
        raise ValueError  # it may have absorbed replicas whose entries are in the other file
    if pages.read(end - 1, 1) != b"\n" or not is_trailer(pages.read(end, TRAILER_SIZE + 1)):
        raise ValueError
    first, last = search(pages, start, end, name)
    text = pages.read(first, last - first + len(name) + 4)
    at = last - first
    following = text[at + 2 :] if at else text
    if alone and following.startswith(b'"%b' % name):  # otherwise no name after this line begins with this one
        from crdtctl.codec.plain_labels import refuse_series

        refuse_series(pages, last, end, name)
    return text[:at]
