"""The verbs and their one-line descriptions, in the groups of the program's help.

The help of the program and shell completion read this table, so that neither imports the modules of the verbs. Each
verb's module has the verb's name and is in `crdtctl.commands`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.grammar import Command

#: Title → verb → the first line of its help.
GROUPS = {
    "Count": {
        "init": "Create a replica and print its id.",
        "increment": "Count up, by 1 or by AMOUNT.",
        "decrement": "Count down, by 1 or by AMOUNT.",
        "add": "Add elements to a set, or numbers to a distribution.",
        "observe": "Record what a meter reads: a total that counts once.",
        "count": "Count results of other programs, such as tests.",
        "create": "Create a counter of a given type.",
        "rename": "Rename a counter, on every replica that receives this.",
        "forget": "Forget counters, on every replica that receives this.",
        "undo": "Take back the last commit of this replica.",
        "reset": "Start counters over: cancel all known counts.",
        "transfer": "Give rights to another replica, or take back a hand-off.",
        "request": "Ask another replica for rights to a bounded counter.",
    },
    "Look": {
        "show": "Show the value of one counter, or a table of many.",
        "watch": "Show counters as they change.",
        "report": "Write a page with tables and charts of counters, for a browser.",
        "status": "Show this replica, the replicas it knows, and its remotes.",
        "log": "Show past merges and other events, oldest first.",
        "doctor": "Look for common faults of this machine and replica.",
        "check": "Verify the files of this replica, or state files.",
        "compare": "Compare this replica with a state file.",
        "clock": "Print the clock of this replica, a version vector.",
    },
    "Exchange files": {
        "export": "Write a state file for other replicas to merge.",
        "merge": "Merge state files of other replicas into this one.",
        "exchange": "Merge two replicas on this machine into each other.",
        "settle": "Resolve a fork or a double count.",
        "git": "Let git join committed state files, and show their values.",
    },
    "Sync with remotes": {
        "sync": "Exchange states with other replicas through remotes.",
        "remote": "List, add, check and remove remotes, and set their keys.",
        "fleet": "Show totals of all replicas at a remote, without a replica.",
        "cron": "Print a crontab line, or units of systemd, that sync this replica.",
    },
    "Retire replicas": {
        "run": "Run COMMAND with a replica of its own, sealed into FILE.",
        "seal": "Retire this replica: it accepts no more counts or merges.",
        "retire": "Declare another replica gone for good.",
        "absorb": "Take over the counts of sealed replicas.",
        "horizon": "Forget old idempotency keys; their counts stay.",
    },
    "About the program": {
        "help": "Show the help of a command, or a topic of the manual.",
        "completion": "Print the completion script for a shell.",
        "schema": "Print the JSON Schema of a state file.",
    },
}
VERBS = {verb: line for group in GROUPS.values() for verb, line in group.items()}
ALIASES = {"inc": "increment", "dec": "decrement"}


def load(word: str) -> "Command | None":
    """Return the command of a verb or an alias, from its module; None for any other word."""
    verb = ALIASES.get(word, word)
    if verb not in VERBS:
        return None
    found: Command = getattr(__import__(f"crdtctl.commands.{verb}", fromlist=(verb,)), verb)
    return found
