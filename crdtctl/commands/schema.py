"""``crdtctl schema``"""

import json

from crdtctl.cli import output
from crdtctl.cli.verb import command_app
from crdtctl.codec.schema import state_schema

app, settings = command_app(74)


@app.command(**settings)
def schema() -> None:
    """Print the JSON Schema of a state file.

    \b
    EXAMPLES:
      crdtctl schema > state.schema.json
    """
    output.stdout.line(json.dumps(state_schema(), indent=2, ensure_ascii=False))
