#!/bin/sh
# Machines without a network, and a stick that is carried from one to the next.
#
#   usb-stick.sh /media/stick
#
# Plug the stick in, run this script, and pull the stick out when the script says so. A stick that is not mounted is
# reported (status 69) and never mistaken for an empty one. If the stick is pulled out too early, nothing is lost: the
# counts stay on the machine, an incomplete file is never read as a state, and the next run completes the work. The stick
# may hold other files: they are skipped and named (status 3).
set -eu

stick=$1
if ! mountpoint -q "$stick"; then
    echo "nothing is mounted at $stick" >&2
    exit 69
fi
crdtctl sync "$stick/counts"
sync -f "$stick" # flush the cache of the stick
echo "You may pull it out now."
