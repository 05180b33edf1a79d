#!/bin/sh
# fetch.sh NAME PATH: hand an archived WAL file to a server that recovers.
# 1 tells PostgreSQL that the archive ends here; above 125 that recovery must not go on.
set -u
export LC_ALL=C
[ -d "$WAL_ARCHIVE" ] || exit 200
file=$WAL_ARCHIVE/$1.gz
if [ -e "$file" ]; then
    gzip -dc "$file" > "$2" && exit 0
    echo "fetch: $file is damaged" >&2
    exit 200
fi
case $1 in *.history) exit 1 ;; esac
# In the middle of the archive nothing may be missing: what follows would be lost in silence.
timeline=$(printf %.8s "$1")
last=$(ls "$WAL_ARCHIVE" | grep -E "^$timeline[0-9A-F]{16}\.gz$" | tail -n 1)
if [ -n "$last" ] && expr "$last" \> "$1.gz" > /dev/null; then
    echo "fetch: $file is missing, and $last is there" >&2
    exit 200
fi
exit 1
