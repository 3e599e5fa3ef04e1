"""Plain counts: amounts for counters of numbers, with and without idempotency keys, labels and periods."""

from crdtctl.codec import plain
from crdtctl.codec.layout import MAX_SAFE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.fastpath.commit import Others


class Count:
    """An amount for one total of a counter, under an idempotency key unless that is empty.

    The name on a line has escapes, and the name that is searched for has none.
    """

    def __init__(self, on_line: bytes, column: int, amount: int, key: bytes) -> None:
        self.name = on_line.replace(b'\\"', b'"')
        self.bare = on_line.partition(b"{")[0] if b"{" in on_line else b""
        self.on_line = on_line
        self.column = column
        self.amount = amount
        self.key = key

    def line(self, old: bytes, header: plain.OwnHeader, others: "Others") -> tuple[bytes, bytes] | None:
        """Return the line of the counter after the next commit, and the effect of that; None if nothing changes.

        Raise ValueError if the line is special.
        """
        line = plain.read_own_line(old, self.on_line, header.replica)
        is_dated = line.maps.startswith(plain.DATED)
        if self.key:
            from crdtctl.codec.plain_keys import counted  # only here: most counts have no key

            if is_dated or self.column >= len(line.totals):
                raise ValueError  # the second: a gcounter refuses to count down
            learned = others.known(self.name, verified=True)
            maps = counted(line.maps, learned, self.key, self._row(len(line.totals), header.seq + 1))
            if maps == line.maps:
                return None
            line.maps = maps
            return line.encode(header.replica, header.seq + 1), b"once " + self.on_line
        line.totals[self.column] += self.amount
        if line.totals[self.column] > MAX_SAFE:
            raise ValueError
        quarter = b""
        if others.periods or is_dated or (self.bare and header.periods):
            import time  # only here: most counters keep no periods

            from crdtctl.crdt.periods import QUARTER

            now = int(time.time())
            line.maps = self._in_period(line, others, now)
            if line.maps.startswith(plain.DATED):
                header.periods = True
                quarter = b"@%d" % (now // QUARTER)
        done = b"%b%d%b %b" % (b"-" if self.column else b"+", self.amount, quarter, self.on_line)
        return line.encode(header.replica, header.seq + 1), done

    def _row(self, width: int, seq: int) -> list[int]:
        """Return the totals of an idempotency key, and its commit."""
        return [*[self.amount if at == self.column else 0 for at in range(width)], seq]

    def _in_period(self, line: plain.OwnLine, others: "Others", now: int) -> bytes:
        """Return the maps of a line after the amount at a time. The settings of a name hold for its series."""
        from crdtctl.codec import plain_periods

        heard = [(line.name, others.known(self.name))] if others.periods else []
        if self.bare:
            heard.append((self.bare, others.own[self.bare]))
            heard += [(self.bare, others.known(self.bare))] if others.periods else []
        settings = [one for name, found in heard if found for one in plain_periods.heard(found, name, line.tag)]
        return plain_periods.counted(line.maps, settings, self.column, self.amount, len(line.totals), now)


def of_names(words: "Sequence[str]", column: int, key: bytes) -> list[Count]:
    """Return the counts that the words after a verb mean, sorted; raise ValueError for special words."""
    texts = [word.encode() for word in words]
    if key and not plain.is_name(key):
        raise ValueError
    if plain.is_name(texts[0]):
        name, digits = texts if len(texts) == 2 else (*texts, b"1")
        amounts = {name: digits}
    else:
        pairs = [text.partition(b"=") for text in texts]
        amounts = {name: digits for name, _, digits in pairs}
        if len(amounts) < len(pairs):
            raise ValueError
    return [_count(name, column, amounts[name], key) for name in sorted(amounts)]


def _count(name: bytes, column: int, digits: bytes, key: bytes) -> Count:
    amount = plain.number(digits)
    if not amount or not plain.is_name(name):
        raise ValueError
    return Count(name, column, amount, key)


def of_series(words: "Sequence[str]", columns: "Mapping[str, int]") -> tuple[list[Count], str | None]:
    """Return the count of a whole command line with labels, and the value of --replica, as `plain_labels.read`."""
    from crdtctl.codec import plain_labels  # only here: most counters have no labels

    verb, on_line, amount, key, where = plain_labels.read(words)
    return [Count(on_line, columns[verb], amount, key)], where
