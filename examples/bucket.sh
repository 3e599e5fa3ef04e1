#!/bin/sh
# Servers count requests, and meet at a bucket (S3, or what speaks like it; Google Cloud Storage and Azure with gs://
# and az://).
#
#   bucket.sh s3://team-counts/web access.log...
#
# Needs 'pip install "crdtctl[cloud]"'. Credentials stay in the environment or in the provider's own configuration
# (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL ...), never in the URL: crdtctl refuses that.
#
# Each log is counted once for the whole world, however often it is given, here or elsewhere: its name and size are the
# once-key. A log that still grows is counted when it is rotated.
set -eu

bucket=$1
shift
for log in "$@"; do
    key="$(hostname):$(basename "$log"):$(wc -c <"$log" | tr -d ' ')"
    awk '{ print "status." $9 "\t1" }' "$log" | crdtctl increment --once "$key" --batch -
done
crdtctl sync "$bucket"
crdtctl show
