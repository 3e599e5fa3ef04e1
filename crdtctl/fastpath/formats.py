"""The options of ``show`` on the fast path: a format, bounds, and those that change nothing for a plain counter."""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    #: Name, type and value of a counter.
    Row: TypeAlias = tuple[bytes, bytes, int]

FORMATS = ("value", "tsv", "csv", "json", "ndjson")
#: Options of one counter, but for the format.
_OF_ONE = ("--type", "--min", "--max", "--default", "--sort", "--top", "--exact")
_SHORT = {"-f": "--format", "-t": "--type"}
#: Types whose counters have nothing but a value in a report.
_WITHOUT_FIGURES = (*plain.WEIGHTS, b"gset")


class Chosen:
    """The options of a command line. With a `name`, they are those of one counter. Raise ValueError for others."""

    def __init__(self, words: "Sequence[str]", *, named: bool) -> None:
        given: dict[str, str] = {}
        rest = iter(words)
        for word in rest:
            option, equals, value = word.partition("=")
            if option in _SHORT and not equals:
                option = _SHORT[option]
            if option != "--exact" and not equals:
                value = next(rest, "")
            is_known = option == "--format" or (named and option in _OF_ONE)
            if not is_known or option in given or bool(value) == (option == "--exact") or (equals and not value):
                raise ValueError
            given[option] = value
        self.form = given.get("--format", "value" if named else "tsv")
        is_wrong = self.form not in FORMATS or given.get("--sort", "name") not in ("name", "value")
        if is_wrong or not plain.number(given.get("--top", "1").encode()):
            raise ValueError
        plain.total(given.get("--default", "0").encode())
        self._tag = given.get("--type", "").encode()
        self._least, self._most = (
            plain.total(given[option].encode()) if option in given else None for option in ("--min", "--max")
        )

    def check(self, tag: bytes, value: int) -> None:
        """Raise ValueError unless a counter has the type that was asked for, and its value is within the bounds."""
        if self._tag and self._tag != tag:
            raise ValueError
        if (self._least is not None and value < self._least) or (self._most is not None and value > self._most):
            raise ValueError

    def text(self, replica: bytes, rows: "Sequence[Row]") -> bytes:
        """Return the report of counters; raise ValueError if one has a special name, or more figures than a value."""
        if not rows or not plain.are_names([name for name, _, _ in rows]):
            raise ValueError
        if self.form == "value":
            return b"".join([b"%d\n" % value for _, _, value in rows])
        if self.form == "tsv":
            return b"".join([b"%b\t%b\t%d\n" % row for row in rows])
        if self.form == "csv":
            if any(name[:1] == b":" for name, _, _ in rows):  # perhaps a command to a job
                raise ValueError
            return b"name,type,value\n" + b"".join([b"%b,%b,%d\n" % row for row in rows])
        if not all(tag in _WITHOUT_FIGURES and abs(value) <= MAX_SAFE for _, tag, value in rows):
            raise ValueError
        items = [b'{"name":"%b","type":"%b","value":%d}' % row for row in rows]
        if self.form == "ndjson":
            return b"\n".join([*items, b""])
        if not plain.is_name(replica):
            raise ValueError
        return b'{"schema":1,"replica":"%b","counters":[\n%b\n]}\n' % (replica, b",\n".join(items))
