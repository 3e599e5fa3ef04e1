#!/bin/sh
# Servers count their requests and sync with a bucket: S3 or a compatible service, Google Cloud Storage (gs://) or
# Azure (az://).
#
#   bucket.sh s3://team-counts/web access.log...
#
# It needs 'pip install "crdtctl[cloud]"'. Credentials stay in the environment or in the provider's own configuration
# (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL ...), never in the URL: crdtctl refuses that.
#
# Each log is counted once, however often it is given, on this server or another one: its name and size are the
# idempotency key. Give a log after its rotation, when it no longer grows.
set -eu

bucket=$1
shift
for log in "$@"; do
    key="$(hostname):$(basename "$log"):$(wc -c <"$log" | tr -d ' ')"
    awk '{ print "status." $9 "\t1" }' "$log" | crdtctl increment --once "$key" --batch -
done
crdtctl sync "$bucket"
crdtctl show
