"""The verbs: what each does, in the line that stands in the help; each has a module of its name here.

The help of the program and completion read this table, and import no verb's module.
"""

from typing import Final

#: Title → verb → the first line of its help.
GROUPS: Final[dict[str, dict[str, str]]] = {
    "Everyday commands": {
        "init": "Make a replica, and print its id.",
        "increment": "Count up, by 1 or by AMOUNT.",
        "decrement": "Count down, by 1 or by AMOUNT.",
        "show": "Show counters: one NAME's value, or a row each.",
        "export": "Write the state to send, for others to merge.",
        "merge": "Take in the states of other replicas.",
        "sync": "Meet others at remotes: take what is new, leave what they lack.",
        "remote": "Name the places where 'crdtctl sync' meets others.",
        "status": "Show this replica and whom it has heard of.",
    },
    "Counters of other types": {
        "create": "Declare a counter of a type.",
        "add": "Add elements to a set.",
        "transfer": "Give rights to a bounded counter to another replica, or take back a hand-off.",
        "request": "Ask another replica for rights to a bounded counter.",
        "reset": "Start counters over: cancel what was counted so far.",
    },
    "Replicas that come and go": {
        "run": "Run COMMAND with a replica of its own, sealed into FILE.",
        "seal": "End this replica: it takes no more counts and no states.",
        "absorb": "Take over what sealed replicas counted; they vanish.",
        "horizon": "Forget the once-keys that CLOCK knows; what they count stays.",
        "exchange": "Merge two replicas into each other.",
    },
    "Questions and repairs": {
        "check": "Verify files, and say what was looked at.",
        "clock": "Print the clock of what is known here.",
        "compare": "Say how this replica stands to a state file.",
        "log": "Show what happened here, oldest first.",
        "settle": "Declare a fork settled, or a double count, and make up for it.",
        "schema": "Print the JSON Schema of a state file.",
    },
    "About the program": {
        "help": "Show the help of a command, or a topic of the manual.",
        "completion": "Print the script that completes words in a shell.",
    },
}
VERBS: Final[dict[str, str]] = {verb: line for group in GROUPS.values() for verb, line in group.items()}
ALIASES: Final[dict[str, str]] = {"inc": "increment", "dec": "decrement"}
