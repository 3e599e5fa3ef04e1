"""``crdtctl schema``"""

import json

from crdtctl.codec.schema import state_schema
from crdtctl.commands import output
from crdtctl.commands.verb import verb_app

app, settings = verb_app(74)


@app.command(**settings)
def schema() -> None:
    """Print the JSON Schema of a state file.

    \b
    EXAMPLES:
      crdtctl schema > state.schema.json
    """
    output.stdout.line(json.dumps(state_schema(), indent=2, ensure_ascii=False))
