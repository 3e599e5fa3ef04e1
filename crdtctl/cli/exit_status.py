"""The exit statuses in the help of a command. Their meanings are attributes of the error classes."""

#: The statuses of every command, of those that read a replica, and of those that write one.
ANY = (0, 2, 70, 130, 143)
READS = (65, 66, 74, 77)
WRITES = (65, 66, 74, 75, 76, 77, 78, 79)


def section(*statuses: int, once: bool = False) -> str:
    """Return the section of a command's help that lists its exit statuses.

    `once` is whether the command has idempotency keys: only then can a repetition be harmless.
    """
    from crdtctl.errors import exit_statuses

    meanings = {status: meaning for status, _, meaning in exit_statuses()}
    if not once:
        meanings[76] = "the outcome is unknown; look at the value before you try again"
    if not {75, 76, 79}.intersection(statuses):
        meanings[0] = "done"
    rows = (f"  {status:<4} {meanings[status]}" for status in sorted({*ANY, *statuses}))
    return "\n".join(["\b", "EXIT STATUS:", *rows])
