#!/bin/sh
# backup.sh: a base backup of the server of $PGHOST into $BASE_BACKUPS, checked; then what is older
# than $KEEP_DAYS days goes, and the WAL that only such backups needed.
set -eu
umask 077
mkdir -p "$BASE_BACKUPS"
name=$(date -u +%Y-%m-%dT%H%M%SZ)
rm -rf "$BASE_BACKUPS"/*.partial
growing=$BASE_BACKUPS/$name.partial
pg_basebackup --pgdata="$growing" --format=tar --gzip --checkpoint=fast --no-password
pg_verifybackup --quiet --format=tar --no-parse-wal "$growing"
mv "$growing" "$BASE_BACKUPS/$name"
failing="SELECT count(*) FROM pg_stat_archiver WHERE last_failed_time > coalesce(last_archived_time, '-infinity')"
[ "$(psql -X -A -t --no-password -d postgres -c "$failing")" = 0 ] ||
    { echo "backup: $name is there, and the server cannot archive its WAL" >&2; exit 1; }
echo "backup: $name, $(du -sk "$BASE_BACKUPS/$name" | cut -f 1) kB"

# The new one is never too old, so one always stays.
find "$BASE_BACKUPS" -mindepth 1 -maxdepth 1 -type d ! -name "$name" -mtime "+$KEEP_DAYS" -exec rm -rf {} +
oldest=$(ls "$BASE_BACKUPS" | head -n 1)
needed=$(tar -xzOf "$BASE_BACKUPS/$oldest/base.tar.gz" backup_label |
    sed -n 's/^START WAL LOCATION: .* (file \([0-9A-F]*\))$/\1/p')
pg_archivecleanup -x .gz "$WAL_ARCHIVE" "$needed"
