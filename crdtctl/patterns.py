"""Regular expressions that are compiled at their first use: importing `re` takes longer than most commands run.

A module writes, and then uses `re` as always::

    TYPE_CHECKING = False
    if TYPE_CHECKING:
        import re
    else:
        from crdtctl import patterns as re
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


#: The flags of `re`, which takes plain numbers for them.
IGNORECASE, MULTILINE, DOTALL, ASCII = 2, 8, 16, 256


class _Later:
    """A regular expression. Its methods are those of the compiled one, which is made for the first of them."""

    def __init__(self, text: "Any", flags: int) -> None:
        self._given = text, flags

    def __getattr__(self, name: str) -> "Any":
        import re

        compiled = re.compile(*self._given)
        for method in ("match", "fullmatch", "search", "sub", "split", "findall", "finditer"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)


def compile(text: "Any", flags: int = 0) -> "Any":  # noqa: A001  # as in re
    """Return a regular expression that is compiled at its first use."""
    return _Later(text, flags)


def __getattr__(name: str) -> "Any":
    """Return anything else from `re`."""
    import re

    return getattr(re, name)
