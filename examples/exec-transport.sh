#!/bin/sh
# A transport of your own for 'crdtctl sync': the files in a directory on any machine with a shell.
#
#   exec-transport.sh SHELL DIRECTORY list | get NAME | put NAME SIZE | delete NAME
#
# SHELL is a command that runs a line of shell, on this machine or another one. crdtctl appends the operation:
#
#   crdtctl remote add here  "exec:/path/to/exec-transport.sh 'sh -c' /mnt/counts"
#   crdtctl remote add box   "exec:/path/to/exec-transport.sh 'ssh -o BatchMode=yes box' /srv/counts"
#   crdtctl remote add inner "exec:/path/to/exec-transport.sh 'docker exec -i web sh -c' /srv/counts"
#
# It ends with status 66 if the file does not exist, and with 75 after a transient error.
set -euf

usage() {
    echo "usage: ${0##*/} SHELL DIRECTORY list | get NAME | put NAME SIZE | delete NAME" >&2
    exit 64
}
[ $# -ge 3 ] || usage
shell=$1
shift

# The program for the other machine. $1 is the directory, and the operation follows. It must not contain a '.
# shellcheck disable=SC2016  # the variables are expanded on the other machine
there='
set -eu
directory=$1 operation=$2 name=${3-} size=${4-}
case $operation in
list)
    [ -d "$directory" ] || exit 0
    # This needs GNU find. Other systems need another way to print "SIZE VERSION NAME". A name must be on one line.
    LC_ALL=C find "$directory/" -ignore_readdir_race -mindepth 1 -maxdepth 1 -type f ! -name "*[[:cntrl:]]*" -printf "%s %T@.%i %f\n"
    ;;
get)
    if ! cat "$directory/$name"; then
        [ -e "$directory/$name" ] || exit 66
        exit 74
    fi
    ;;
put)
    # First under a name that syncs ignore. If the file is complete and on the disk, it is renamed.
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

# quote WORD: print it as one word for a shell. Other users choose the names, and must not choose commands.
quote() {
    printf " '%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

line="sh -c$(quote "$there") sh"
for word; do
    line=$line$(quote "$word")
done
status=0
# shellcheck disable=SC2086  # it has several words
$shell "$line" || status=$?
if [ $status -eq 255 ]; then # ssh has no connection
    status=75
fi
exit $status
