"""Words on the command line, or of a variable, → the paths of files."""

import os
from shlex import quote

from crdtctl.errors import UsageError, printable
from crdtctl.store import which

_HOME = ("~", "$HOME", "${HOME}")
#: The names of compressed files, and what makes such a file.
_PACKED = {".gz": "gzip", ".xz": "xz", ".bz2": "bzip2", ".zst": "zstd", ".zip": "zip"}


def given(word: str) -> str:
    """Return the path of a file that a user named, with the home directory in the place of ``~`` or ``$HOME``.

    No shell replaces these after an option's ``=``, in a crontab or in a service file. Raise `UsageError` for an
    empty word.
    """
    if not word:
        raise UsageError("the name of a file is empty", "is a variable not set, or did a command fail?")
    return which.expanded(word) if word.partition("/")[0] in _HOME else word


def to_write(word: str) -> str:
    """Return the path of a file to write a state to; raise `UsageError` for the name of a compressed one."""
    path = given(word)
    end = os.path.splitext(path)[1]
    if program := _PACKED.get(end):
        plain = quote(printable(word.removesuffix(end)))
        raise UsageError(
            f"'{printable(word)}' is the name of a compressed file, and states are written as they are",
            f"write to {plain}, and compress that: {program} {plain}",
        )
    return path
