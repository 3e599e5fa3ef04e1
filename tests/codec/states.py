"""Random states for the codec: of every type and every shape that its lattice allows."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from crdtctl.codec.header import FILE_KINDS, FormerId, Head
from crdtctl.crdt import TYPES, buckets, decimals, period_names
from crdtctl.crdt.base import TOO_LARGE, CounterType, Entry
from crdtctl.crdt.bcounter_row import bound_fault
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.histories import ExportMarker, History, text
from crdtctl.crdt.lattice import Decimals, Elements, Lattice, MapOf, Periods, PeriodsOf, Record, Registers
from crdtctl.crdt.names import bare_fault, key_fault, stored_counter_fault
from crdtctl.crdt.reading_parts import generation_fault, stored_source_fault
from crdtctl.crdt.series import spelled
from tests.support.sketches import sketch_from
from tests.support.tape import Tape, from_tape
from tests.support.times import days_from, periods_from

LARGE = (2**53 - 1, 2**53, 2**63, 2**64 - 1, 2**64, 10**15, 10**16, 10**99, TOO_LARGE - 1)
# Few letters, so that names are often prefixes of one another; and what JSON and the look-up stumble over.
LETTERS = ("a", "a", "b", "b", *'"\\:{}[], 0é🦊')
LENGTHS = (1, 1, 2, 2, 3, 4, 5)
ODD = ('":{"', '\\":{\\"', '"', "\\", '\\"', "\\\\", "},", "a" * 200, '"' * 200, "\\" * 200, "é" * 100)
AUTHORS = ("ann", "bob", 'quo"te', "back\\slash", "čen", "ann-1234567890123456", "ann~3.aZ09")
IDS = st.sampled_from(AUTHORS)
LARGE_SEQS = (2**31, 2**53 - 1)
SEQS = st.integers(1, 9) | st.sampled_from(LARGE_SEQS)
WHEN = "2026-03-01T12:00:00Z"
_TRIES = 20


def number(tape: Tape) -> int:
    return tape.below(21) if tape.below(2) == 0 else tape.choose(LARGE)


def seq(tape: Tape) -> int:
    return 1 + tape.below(9) if tape.below(2) == 0 else tape.choose(LARGE_SEQS)


def spelt(tape: Tape, wrong: Callable[[str], str | None]) -> str:
    """Return a short text that is not wrong."""
    if wrong is bound_fault:  # of few letters, few texts are bounds
        return str(number(tape) * tape.choose((1, -1)))
    if wrong is stored_source_fault and tape.below(2):
        return f" {tape.choose('dhq')}{tape.below(3)} {tape.choose(LETTERS[:4])}"
    if wrong is generation_fault:
        return str(tape.below(3))
    if wrong is buckets.level_fault:
        return tape.choose(buckets.LEVELS)
    if wrong is buckets.key_fault:
        return bucket_from(tape)
    for _ in range(_TRIES):
        text = "".join(tape.choose(LETTERS) for _ in range(tape.choose(LENGTHS)))
        if wrong(text) is None:
            return text
    return "a"


def name_from(tape: Tape) -> str:
    """Return the name of a counter: mostly a short one, sometimes one with labels, or one that is hard to read."""
    kind = tape.below(6)
    if kind < 2:
        return tape.choose(_ODD_NAMES)
    return spelt(tape, bare_fault) if kind > 3 else series_from(tape)


def series_from(tape: Tape) -> str:
    """Return a name with labels."""
    labels = {tape.choose(("a", "b", "_9")): spelt(tape, key_fault) for _ in range(1 + tape.below(3))}
    return spelled(spelt(tape, bare_fault), labels)


_ODD_NAMES = tuple(text for text in ODD if stored_counter_fault(text) is None)


def free_text(tape: Tape, least: int = 1) -> str:
    return "".join(tape.choose('ab"\\/.-: é🦊') for _ in range(least + tape.below(12)))


def value(lattice: Lattice, tape: Tape) -> Any:
    """Return a value of a lattice, in normal form."""
    match lattice:
        case Elements(fault=wrong):
            return tuple(sorted({spelt(tape, wrong) for _ in range(tape.below(5))}))
        case Registers():
            return sketch_from(tape)
        case Decimals():
            return decimal_from(tape)
        case Periods(totals=totals):
            return periods_from(tape, totals)
        case PeriodsOf(part=part):
            named = {period_names.name_of(one): value(part, tape) for one in days_from(tape)}
            return {key: one for key, one in named.items() if one != part.bottom}
        case MapOf(fault=wrong, part=part):
            made = {spelt(tape, wrong): value(part, tape) for _ in range(tape.below(4))}
            return {key: one for key, one in made.items() if one != part.bottom}
        case Record(parts=parts):
            return lattice.make(*(value(part, tape) for part in parts))
        case _:
            return number(tape)


def bucket_from(tape: Tape) -> str:
    """Return the name of a bucket."""
    level = tape.choose(buckets.LEVELS)
    each = buckets.per_decade(level)
    bucket = tape.choose((0, each, 61 * each, each + tape.below(60 * each)))
    return buckets.key(bucket * tape.choose((1, -1)), level)


def decimal_from(tape: Tape) -> str:
    """Return a decimal number as text, or none."""
    units = number(tape) * 10 ** tape.choose((0, 0, 1, 28, 30)) % 10**130
    return tape.choose(("", decimals.text(units), decimals.text(-units)))


def entries_from(kind: CounterType, tape: Tape) -> dict[str, Entry]:
    """Return a counter of one type, as every join leaves it."""
    authors = [tape.choose(AUTHORS) for _ in range(1 + tape.below(3))]
    return kind.tidied({author: (seq(tape), *value(kind.record, tape)[1:]) for author in authors})


def counter_from(tape: Tape) -> Counter:
    """Return a counter: mostly of one type, sometimes of several."""
    chosen = tape.below(len(TYPES) + 3)
    kinds = list(TYPES.values())
    kinds = kinds[chosen : chosen + 1] or tape.some(kinds, len(kinds)) or kinds[-1:]
    return {kind.tag: entries_from(kind, tape) for kind in kinds}


def entries(kind: CounterType) -> st.SearchStrategy[dict[str, Entry]]:
    """Return counters of one type."""
    return from_tape(lambda tape: entries_from(kind, tape), 256)


NAMES = from_tape(name_from, 16)
COUNTERS = from_tape(counter_from, 384)
NONCE = "00112233aabb"

#: Two counters, which one tape chooses: of two tapes, Hypothesis often makes the second one like the first.
TWO_COUNTERS = from_tape(lambda tape: (counter_from(tape), counter_from(tape)), 640)


def clock_of(counters: dict[str, Counter]) -> dict[str, int]:
    """Return the least clock that a state with these counters can have."""
    clock: dict[str, int] = {}
    for counter in counters.values():
        for authors in counter.values():
            for author, row in authors.items():
                clock[author] = max(clock.get(author, 0), row[0])
    return clock


def history_from(limit: int, tape: Tape) -> str:
    """Return a history of at most `limit` commits as text; often there is none."""
    history = History()
    for _ in range(tape.choose((0, 0, 0, 1, 2, 3, 6, 12, 30))):
        step = 1 + tape.below(3)
        if history.exported + step <= limit:
            history = history.then(ExportMarker(history.exported + step, tape.choose(("aZ09", "-_-_"))))
    return text(history) if history.count else ""


def head_from(clock: dict[str, int], tape: Tape) -> Head:
    """Return a header for a state with this clock, of any kind."""
    kind = tape.choose(FILE_KINDS)
    is_own = kind in ("own", "recent")
    clock = {**{author: 1 + tape.below(5) for author in tape.some(AUTHORS, 2)}, **clock}
    past = [
        FormerId(tape.choose(AUTHORS), tape.choose((*range(10), 2**53 - 1)), free_text(tape), WHEN)
        for _ in range(tape.below(3))
    ]
    return Head(
        kind=kind,
        replica=tape.choose(AUTHORS),
        clock=clock,
        since={author: seq(tape) for author in tape.some(AUTHORS, 2)} if kind == "delta" else {},
        heard=dict.fromkeys(tape.some(AUTHORS, 2), WHEN) if kind == "known" else {},
        histories={author: history for author, seq in clock.items() if (history := history_from(seq, tape))},
        periods=tape.below(2) == 1,
        settled=tuple(sorted(tape.some(AUTHORS, 2))) if not is_own else (),
        received={author: seq(tape) for author in tape.some(AUTHORS, 1)},
        receipts={author: {"ann": 1} for author in tape.some(AUTHORS, 1)} if kind == "known" else {},
        past=tuple(past) if kind == "known" else (),
        unheard={author: tape.below(10) for author in tape.some(AUTHORS, 2)} if kind == "known" else {},
        tier=tape.below(100) if is_own else 0,
        binding=free_text(tape, 0) if is_own else "",
        witness=free_text(tape, 0) if is_own else "",
        follows={f"add:/{author}": "7.4096.89abcdef" for author in tape.some(AUTHORS, 2)} if is_own else {},
        last=tuple(f"+{tape.below(9)} {author}" for author in tape.some(AUTHORS, 2)) if is_own else (),
        base={"own": tape.choose(("", NONCE)), "recent": f"{NONCE} 70000 65536 0123456789abcdef"}.get(kind, ""),
    )


def states(max_size: int = 5) -> st.SearchStrategy[tuple[Head, dict[str, Counter]]]:
    """Return whole states: a header and counters by name."""

    def made(tape: Tape) -> tuple[Head, dict[str, Counter]]:
        counters = {name_from(tape): counter_from(tape) for _ in range(tape.below(max_size + 1))}
        return head_from(clock_of(counters), tape), counters

    return from_tape(made, 160 * (max_size + 1))
