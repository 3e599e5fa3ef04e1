#!/bin/sh
# Two laptops and a folder that Syncthing, Dropbox, Nextcloud or a similar program synchronizes.
#
#   synced-folder.sh ~/Sync/counts
#
# Run it on each laptop, by hand or from cron. The folder program may be slow, offline for weeks, and make conflict
# copies. Each replica writes only its own files there, and a copy counts once under any name. Incomplete files and
# foreign files are skipped and named (status 3). A later sync reads the complete file. --clean deletes the copies of
# this laptop's own files.
#
# Keep the replica itself (.crdtctl) out of the folder: each laptop has its own.
set -eu

folder=$1
mkdir -p "$folder"
crdtctl sync --clean "$folder"
