#!/bin/sh
# Tokens used on several machines, by day, model and machine, from logs that are added up again and again.
#
#   usage-over-machines.sh scan REMOTE LOG...           each night, on each machine
#   usage-over-machines.sh show [SINCE UNTIL]           what was used, by default in the last 30 days
#
# A LOG has lines of JSON, in any order, and may be a copy from another machine:
#
#   {"date":"2026-03-01T09:30:00Z","machine":"laptop","model":"large","project":"web","in":812,"out":95}
#
# The machine, the model, the project and the day are what a total is of, so it counts once, whoever adds the log up: a
# second scan, a machine that is installed again, and two machines with the same log change nothing. A log that was not
# copied to its end has smaller totals, which are ignored. REMOTE is any remote, such as git+ssh://host/team/usage.git.
# It needs jq.
set -eu

if [ "$1" = scan ]; then
    remote=$2
    shift 2
    cat "$@" | jq -cs 'group_by([.machine, .model, .project, .date[:10]])[] | {
        name: "tokens", labels: (.[0] | {machine, model, project}), at: .[0].date[:10],
        source: "usage log", total: (map(.in + .out) | add)
    }' | crdtctl observe --batch - --on-drop ignore
    crdtctl sync --quiet "$remote"
else
    if [ $# = 3 ]; then
        set -- --since "$2" --until "$3"
    else
        set -- --last 30d
    fi
    echo "by day and model:"
    crdtctl show tokens --per day --by model --header "$@"
    echo "by machine:"
    crdtctl show tokens --by machine --header "$@"
    echo "together:"
    crdtctl show tokens "$@"
fi
