"""Values and the bounds of ``show --min`` and ``--max``."""

from __future__ import annotations

from crdtctl.errors import AnswerIsNo, RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.errors import CrdtctlError

#: What to do if a span cuts longer periods.
LONGER = "ask for a span that begins with such a period, or keep short ones for longer with 'crdtctl create --keep'"


def outside(
    value: int, cut: int, spelling: str, where: str, least: int | None, most: int | None
) -> CrdtctlError | None:
    """Return the failure for a value of a counter that is out of bounds, or None.

    `where` is the time that the value is of, as words, or empty. A number `cut` was counted in longer periods, and any
    part of it may belong to the value. If that decides, the failure is a `RefusedError`.
    """
    lowest, highest = value + min(cut, 0), value + max(cut, 0)
    place = f" {where}" if where else ""
    if least is not None and highest < least:
        return AnswerIsNo(f"'{spelling}' is {value}{place}, below {least}")
    if most is not None and lowest > most:
        return AnswerIsNo(f"'{spelling}' is {value}{place}, above {most}")
    if (least is not None and lowest < least) or (most is not None and highest > most):
        return RefusedError(
            f"'{spelling}' is {value} or {value + cut}{place}: {cut} were counted in longer periods", LONGER
        )
    return None
