#!/bin/sh
# archive.sh PATH NAME: put one finished WAL file into $WAL_ARCHIVE, whole or not at all.
# PostgreSQL tries again until this succeeds, and then never again.
set -eu
umask 077
mkdir -p "$WAL_ARCHIVE"
target=$WAL_ARCHIVE/$2.gz
if [ -e "$target" ]; then
    # A crash may have come between our end and PostgreSQL's note of it. Another file of the same
    # name is somebody else's history: never to be overwritten.
    gzip -dc "$target" | cmp -s - "$1"
    exit
fi
gzip -1 -c "$1" > "$target.partial"
sync "$target.partial"
mv "$target.partial" "$target"
sync "$WAL_ARCHIVE"
