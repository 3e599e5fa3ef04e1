"""The options that several commands have."""

from crdtctl.cli.grammar import Flag, Option, Whole

FORMATS = ("table", "value", "json", "ndjson", "csv", "tsv", "toml")
#: The formats of metrics, which only `show` has. In CRDTCTL_FORMAT, other commands ignore them.
METRICS = ("prom", "openmetrics", "gitlab")
#: The formats that show figures alone, each with its name: variables of later steps of a CI job, and badges.
FIGURES = ("github-output", "dotenv", "badge", "badge-svg")
#: All formats for CI jobs, which only `show` has.
JOBS = ("markdown", "github-summary", *FIGURES)
#: The formats of `show`.
SHOWN = (*FORMATS, *JOBS, *METRICS)
#: The formats of `report`: a page, and a chart.
REPORTS = ("html", "svg")


def _duration(word: str) -> float:
    from crdtctl.cli.durations import duration  # only here: most commands have none

    return duration(word)


TYPE = Option(
    "tag",
    "--type",
    "-t",
    metavar="TYPE",
    variable="CRDTCTL_TYPE",
    help="Type of the counter. Needed if its name has several types.",
)
ALSO = Flag("also", help="Create the counter even if its name exists with another type.")
EXISTING = Flag("existing", help="Never create a counter; status 66 if it does not exist.")
FORM = Option(
    "form",
    "--format",
    "-f",
    metavar="FORMAT",
    variable="CRDTCTL_FORMAT",
    ignored=(*METRICS, *JOBS),
    help=f"One of {', '.join(FORMATS)}. Default: a table on a terminal, else tab-separated lines.",
)
VALUES_FORM = Option(
    "form",
    "--format",
    "-f",
    metavar="FORMAT",
    variable="CRDTCTL_FORMAT",
    help=f"One of {', '.join((*FORMATS, 'markdown', 'badge', *METRICS))}, and those of 'crdtctl help ci'. Default: a "
    "table on a terminal, else tab-separated lines.",
)
TEXTFILE = Option(
    "textfile",
    metavar="FILE",
    help="Write the counters, and the times of syncs, to FILE.prom for node_exporter, completely or not at all.",
)
ONCE = Option(
    "once",
    metavar="KEY",
    help="Idempotency key: the amount counts once, however often and on however many machines it is sent.",
)
NOTE = Option("note", metavar="TEXT", help="A note for the journal of counts, see 'crdtctl help undo'.")
PRINT_CLOCK = Flag("print_clock", help="Print the clock of this write, for 'show --require' on another replica.")
BATCH = Option("batch", metavar="FILE", help="Read one entry a line from FILE, as one commit ('-': standard input).")
BAD = Option(
    "bad",
    metavar="refuse|skip",
    help="On a wrong line: refuse the batch, or end the stream (default), or skip the line and end with status 3.",
)
STREAM = Flag(
    "stream", help="Count the lines of FILE, or of standard input, as they arrive, and print how many are on disk."
)
FOLLOW = Option(
    "follow",
    metavar="FILE",
    help="Stream the lines that are appended to FILE, like 'tail -F'. The replica remembers how far it has read.",
    repeated=True,  # several files are refused, as the last one alone would leave out the lines of the others
)
UNTIL_END = Flag("until_end", help="With --follow: stop at the end of FILE. The next run continues there.")
EVERY = Option(
    "every",
    metavar="TIME",
    kind=_duration,
    help="Time between the commits of a stream, such as 1s. Default: until no line is waiting, at most 100 ms.",
)
GROUP = Option("group", metavar="N", kind=Whole(1), help="Commit at most N lines of a stream at once. Default: 10000.")
FILES_FROM = Option(
    "files_from", metavar="LIST", help="Read the names of the files from LIST, one a line ('-': standard input)."
)
NULL = Flag("null", "--null", "-0", help="Names in LIST end with a zero byte, the output of 'find -print0'.")
