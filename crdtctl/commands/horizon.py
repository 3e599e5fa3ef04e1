"""``crdtctl horizon``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.states import clock
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def horizon(
    context: typer.Context,
    beyond: Annotated[str, typer.Argument(metavar="CLOCK", help="What 'crdtctl clock' printed, some time ago.")],
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Who did this before is gone, and all that it did is known here."),
    ] = False,
) -> None:
    """Forget the once-keys that CLOCK knows; what they count stays.

    A key is remembered for ever, which every state pays for. The keys that CLOCK knows become plain counts of this
    replica, here and wherever that is learned of, in whatever order states come. No value changes. A key that is
    used again after that counts again, so CLOCK should be older than anything that is repeated.

    Let one permanent replica do this: where another one has done it for a counter, it is refused. A replica that was
    apart since before CLOCK may bring a key that was used elsewhere as well, and has expired: that one counts again.

    \b
    EXAMPLES:
      crdtctl horizon last-month.clock && crdtctl clock > last-month.clock
    """
    replica = session(context).open()
    number = replica.expire(clock(beyond), take_over=take_over)
    output.stdout.applied = number > 0
    if output.is_talkative():
        output.stdout.line(f"{number} once-key{'' if number == 1 else 's'} forgotten; what they count stays")
