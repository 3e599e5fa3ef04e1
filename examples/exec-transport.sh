#!/bin/sh
# A transport of your own for 'crdtctl sync': the files in a directory, wherever a shell can be reached.
#
#   exec-transport.sh SHELL DIRECTORY list | get NAME | put NAME SIZE | delete NAME
#
# SHELL is a command that runs a line of shell, here or elsewhere. crdtctl adds the operation:
#
#   crdtctl remote add here  "exec:/path/to/exec-transport.sh 'sh -c' /mnt/counts"
#   crdtctl remote add box   "exec:/path/to/exec-transport.sh 'ssh -o BatchMode=yes box' /srv/counts"
#   crdtctl remote add inner "exec:/path/to/exec-transport.sh 'docker exec -i web sh -c' /srv/counts"
#
# It ends with status 66 if there is no such file, with 75 if it may be tried again.
set -euf

usage() {
    echo "usage: ${0##*/} SHELL DIRECTORY list | get NAME | put NAME SIZE | delete NAME" >&2
    exit 64
}
[ $# -ge 3 ] || usage
shell=$1
shift

# What is done there: $1 is the directory, then comes the operation. It is one word of ours, so it has no ' in it.
# shellcheck disable=SC2016  # what it says is expanded there, not here
there='
set -eu
directory=$1 operation=$2 name=${3-} size=${4-}
case $operation in
list)
    [ -d "$directory" ] || exit 0
    # GNU find; another one needs another way to print "SIZE VERSION NAME". A name must fit on its line.
    LC_ALL=C find "$directory/" -ignore_readdir_race -mindepth 1 -maxdepth 1 -type f ! -name "*[[:cntrl:]]*" -printf "%s %T@.%i %f\n"
    ;;
get)
    if ! cat "$directory/$name"; then
        [ -e "$directory/$name" ] || exit 66
        exit 74
    fi
    ;;
put)
    # Under a name that is skipped, onto the disk, and only then, and only if it came whole, under its own name.
    mkdir -p "$directory"
    draft=$directory/.crdtctl-$(uname -n)-$$.new
    trap "rm -f \"\$draft\"" EXIT
    cat >"$draft"
    if [ "$(wc -c <"$draft")" -ne "$size" ]; then
        echo "$name did not come whole" >&2
        exit 75
    fi
    sync "$draft"
    mv -f "$draft" "$directory/$name"
    sync "$directory"
    ;;
delete)
    rm -f "$directory/$name"
    ;;
*)
    echo "there is no operation $operation" >&2
    exit 64
    ;;
esac'

# quote WORD: so that a shell takes it for one word as it stands. Others choose names, and would choose commands.
quote() {
    printf " '%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

line="sh -c$(quote "$there") sh"
for word; do
    line=$line$(quote "$word")
done
status=0
# shellcheck disable=SC2086  # it is several words
$shell "$line" || status=$?
if [ $status -eq 255 ]; then # ssh did not get there
    status=75
fi
exit $status
