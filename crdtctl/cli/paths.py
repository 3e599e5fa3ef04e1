"""Words of the command line, or of a variable, → paths of files."""

from crdtctl.errors import UsageError, printable

_HOME = ("~", "$HOME", "${HOME}")
#: Ending of a compressed file → the program that makes it.
_PACKED = {".gz": "gzip", ".xz": "xz", ".bz2": "bzip2", ".zst": "zstd", ".zip": "zip"}


def given(word: str) -> str:
    """Return the path that a word means, with the home directory for ``~`` or ``$HOME``.

    No shell replaces these after an option's ``=``, in a crontab, or in a service file. Raise `UsageError` for an empty
    word.
    """
    if not word:
        raise UsageError("the name of a file is empty", "is a variable unset, or did a command fail?")
    if word.partition("/")[0] not in _HOME:
        return word
    from crdtctl.store import which

    return which.expanded(word)


def to_write(word: str) -> str:
    """Return the path of a state file to write; raise `UsageError` for the name of a compressed file."""
    path = given(word)
    end = path[path.rfind(".") :]
    if (program := _PACKED.get(end)) and path.rpartition("/")[2].removesuffix(end).strip("."):
        from shlex import quote

        plain = quote(printable(word.removesuffix(end)))
        raise UsageError(
            f"'{printable(word)}' is the name of a compressed file, but states are written uncompressed",
            f"write to {plain}, then compress it: {program} {plain}",
        )
    return path
