"""The exit statuses, in the words of the help."""

from typing import Final

STATUSES: Final[dict[int, str]] = {
    0: "done, and on disk",
    1: "the answer is no",
    2: "wrong arguments; nothing was done",
    3: "some inputs were taken, others refused; each is named",
    4: "refused: not allowed on this counter",
    5: "a copied or rolled-back replica was found",
    65: "a file is not a valid state",
    66: "no such file, replica or counter, or a delta with a gap",
    69: "a remote is not there, or does not do what is asked of it",
    70: "a fault of this program",
    73: "it is there already; nothing was overwritten",
    74: "input/output error; not applied",
    75: "a lock is held, or a remote does not answer; not applied, try again",
    76: "outcome unknown: try again with the same --once key",
    77: "not allowed to read or write",
    78: "config.toml is wrong",
    79: "applied, but standard output was closed or full",
    126: "the command cannot be executed",
    127: "there is no such command",
    130: "interrupted",
    143: "terminated",
}
#: What every command can end with, and every command that reads or writes a replica.
ANY = (0, 2, 70, 130, 143)
READS = (65, 66, 74, 77)
WRITES = (65, 66, 74, 75, 76, 77, 78, 79)


def section(*statuses: int, once: bool = False) -> str:
    """Return the section of a command's help that lists the exit statuses it uses; `once`: it takes once-keys."""
    said = dict(STATUSES)
    if not once:
        said[76] = "outcome unknown: done, but a power cut may undo it; look before you repeat it"
    if not {75, 76, 79}.intersection(statuses):
        said[0] = "done"
    rows = (f"  {status:<4} {said[status]}" for status in sorted({*ANY, *statuses}))
    return "\n".join(["\b", "EXIT STATUS:", *rows])
