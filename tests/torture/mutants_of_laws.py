"""Mutants of what labels, periods, readings, sets and merges are made of: random worlds must notice each of them."""

from tests.torture.mutants import Edit, Mutant

_TEST = "tests/laws/test_laws.py::test_the_laws_hold_in_a_world"


def _mutant(name: str, file: str, old: str, new: str) -> Mutant:
    return Mutant(name, (Edit(file, old, new),), _TEST, quick=False)


MUTANTS_OF_LAWS: tuple[Mutant, ...] = (
    _mutant(
        "labels in the order in which they were given",
        "crdt/series.py",
        "for key in sorted(labels))",
        "for key in labels)",
    ),
    _mutant(
        "a missing label is a group of all",
        "store/totals.py",
        'labels.get(key, "") for key in by',
        'next(iter(labels.values()), "") for key in by',
    ),
    _mutant(
        "several sets are added up",
        "store/totals.py",
        "sum(one.value for one in self.counters) if pooled is None else kind.value(pooled)",
        "sum(one.value for one in self.counters)",
    ),
    _mutant(
        "folding drops what it folds",
        "crdt/periods.py",
        "            for period, amount in moved:\n                _put(result, period, amount, add)\n",
        "",
    ),
    _mutant(
        "a period is a day late",
        "crdt/periods.py",
        "_put(result, period_at(every, quarter), amount, add)",
        "_put(result, period_at(every, quarter + 96), amount, add)",
    ),
    _mutant(
        "a reset cancels in totals, and not in periods",
        "crdt/timeline.py",
        "remaining = left(found, totals, cancelled)",
        "remaining = found",
    ),
    _mutant(
        "the oldest rename of a name holds",
        "crdt/renames.py",
        "return -self.number, self.author, self.old",
        "return self.number, self.author, self.old",
    ),
    _mutant(
        "marks on one name cancel counts under another one",
        "crdt/several_names.py",
        "put(part) if at in about else part",
        "part",
    ),
    _mutant(
        "a reset is of one of several names",
        "store/apply.py",
        "names = self._renamed.group(request.name)",
        "pass",
    ),
    _mutant(
        "the smaller version of an entry is kept",
        "crdt/lattice.py",
        "joined[key] = (a0 if a0 > b0 else b0, a1 if a1 > b1 else b1,",
        "joined[key] = (a0 if a0 < b0 else b0, a1 if a1 < b1 else b1,",
    ),
    _mutant(
        "readings of one source are added up",
        "crdt/readings.py",
        "        together = READINGS.join(together, one) if together else one\n",
        '        together = {**together, **{f"{who} {len(together)}": row for who, row in one.items()}}\n',
    ),
    _mutant(
        "a reading that falls counts",
        "crdt/readings.py",
        'or on_drop == "ignore":\n        return None',
        'and on_drop != "ignore":\n        return None',
    ),
    _mutant(
        "a second line of a name is not joined",
        "codec/merge_join.py",
        "                counter = join_counters(decode_own_line(after)[1], theirs)\n",
        "                counter = theirs\n",
    ),
    _mutant(
        "only the keys of one replica count",
        "crdt/additive_values.py",
        "for author, row in keyed]",
        "for author, row in keyed[:1]]",
    ),
    _mutant("numbers of a hist are the last ones", "crdt/hist.py", "_sum(numbers, added), once", "added, once"),
)
