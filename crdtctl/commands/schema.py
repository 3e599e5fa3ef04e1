"""``crdtctl schema``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.grammar import command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(statuses=(74,))
def schema(_context: Context) -> None:
    """Print the JSON Schema of a state file.

    \b
    EXAMPLES:
      crdtctl schema > state.schema.json
    """
    import json

    from crdtctl.codec.schema import state_schema

    output.stdout.line(json.dumps(state_schema(), indent=2, ensure_ascii=False))
