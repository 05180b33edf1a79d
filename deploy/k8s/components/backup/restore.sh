#!/bin/sh
# restore.sh BASE DATA [TIME]: make the new folder DATA of a base backup, ready to start. The server
# then recovers from $WAL_ARCHIVE up to TIME (2026-11-29 03:00:00+00), or as far as there is WAL.
set -eu
umask 077
base=$1 data=$2 time=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
[ -f "$base/backup_manifest" ] || { echo "restore: $base is no base backup" >&2; exit 1; }
[ ! -e "$data" ] || { echo "restore: $data is there already" >&2; exit 1; }
mkdir "$data"
tar -xzf "$base/base.tar.gz" -C "$data"
tar -xzf "$base/pg_wal.tar.gz" -C "$data/pg_wal"
cp "$base/backup_manifest" "$data"
pg_verifybackup --quiet "$data"
# Also an empty time is written: that of an earlier restore may be among the settings.
cat >> "$data/postgresql.auto.conf" << END
archive_mode = 'off'
hot_standby = 'off'
restore_command = 'WAL_ARCHIVE="$WAL_ARCHIVE" /bin/sh "$here/fetch.sh" %f %p'
recovery_target_action = 'promote'
recovery_target_time = '$time'
END
touch "$data/recovery.signal"
