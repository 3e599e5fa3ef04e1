#!/bin/sh
# Two laptops and a folder that Syncthing, Dropbox, Nextcloud or the like keeps in step.
#
#   synced-folder.sh ~/Sync/counts
#
# Run it on each laptop, by hand or from cron. The folder program may be slow, offline for weeks, and make conflict
# copies: each replica writes only files of its own there, a copy under any name is joined by what it says, and what is
# half written or no state at all is skipped and named (status 3), to be read when it is whole. --clean deletes the
# copies of this laptop's own files.
#
# The replica itself (.crdtctl) never belongs in such a folder: each laptop has its own.
set -eu

folder=$1
mkdir -p "$folder"
crdtctl sync --clean "$folder"
