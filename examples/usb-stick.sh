#!/bin/sh
# Machines without a network, and a stick that somebody carries from one to the next.
#
#   usb-stick.sh /media/stick
#
# Plug it in, run this, pull it out when it says so. A stick that is not mounted is told (status 69), and never mistaken
# for an empty one. A stick that is pulled out too early loses nothing: what was counted stays on the machine, a file
# that was cut is never read as a state, and the next time does the rest. A stick may come from a stranger, too: what
# is no state is skipped and named (status 3).
set -eu

stick=$1
if ! mountpoint -q "$stick"; then
    echo "nothing is mounted at $stick" >&2
    exit 69
fi
crdtctl sync "$stick/counts"
sync -f "$stick" # the stick's own cache, too
echo "You may pull it out now."
