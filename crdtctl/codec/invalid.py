"""The error for bytes that are not a valid state, and texts that would cost too much to decode."""

from __future__ import annotations

from crdtctl.errors import DataError

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass
else:
    pass

VERSION = 1
#: Maximum size in bytes of a TOML document in any layout.
MAX_ANY_LAYOUT = 2**16

#: Maximum size in bytes of a text that may have any shape; and maximum number of arrays without a key in a state.
SMALL = 4096


class Invalid(DataError):
    """Bytes that are not a valid state: the `reason`, and the name of the file if it is known (`where`)."""

    def __init__(
        self,
        reason: str,
        where: str = "",
        *,
        source: object = None,
        ours: bool = False,
        hint: str = "ask for it to be exported again",
    ) -> None:
        self.reason = reason
        self.source = source
        if not where:
            super().__init__(reason)
        elif ours:
            super().__init__(f"{where} is damaged: {reason}", "see 'crdtctl check'")
        else:
            super().__init__(f"{where} is not a valid state: {reason}", hint)


def newer_version(version: object) -> Invalid:
    """Return the error for a version of the format that this program cannot read."""
    known = type(version) is int and 0 <= version < 10**6
    named = f"version {version}" if known else "an unknown version"
    return Invalid(f"it is in {named} of the format, and this program reads version {VERSION}: upgrade crdtctl")


def refuse_absurd(text: bytes) -> None:
    """Raise `Invalid` for a large `text` with far more arrays and objects than keys. A state never has that.

    An empty array takes two bytes as text, and thirty times as many in memory.
    """
    if len(text) <= SMALL or text.count(b"[") + text.count(b"{") <= text.count(b'":') + SMALL:
        return
    import re  # only here: most texts are small

    outside = re.sub(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', b"", text)
    if outside.count(b"[") + outside.count(b"{") > 2 * outside.count(b":") + SMALL:
        raise Invalid("it holds far more arrays or objects than a state has")
