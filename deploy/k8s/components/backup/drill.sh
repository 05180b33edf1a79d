#!/bin/sh
# drill.sh: restore the newest base backup and all WAL behind it into $SCRATCH, start it, check it.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
newest=$(ls "$BASE_BACKUPS" | grep -v '\.partial$' | tail -n 1)
[ -n "$newest" ] || { echo "drill: there is no base backup" >&2; exit 1; }
data=$SCRATCH/data
began=$(date +%s)
sh "$here/restore.sh" "$BASE_BACKUPS/$newest" "$data"
PGHOST=$SCRATCH PGPORT=5432
export PGHOST PGPORT
failed() { cat "$SCRATCH/log" >&2; echo "drill: $newest does not start" >&2; exit 1; }
pg_ctl start --silent --wait --timeout=3000 --pgdata="$data" --log="$SCRATCH/log" \
    --options="-c listen_addresses= -c unix_socket_directories=$SCRATCH -c fsync=off" || failed
trap 'pg_ctl stop --silent --mode=fast --pgdata="$data"' EXIT
# Started is not recovered: until the end of the WAL it takes nobody.
until pg_isready --quiet; do
    pg_ctl status --silent --pgdata="$data" || { trap - EXIT; failed; }
    sleep 1
done
sh "$here/check.sh"
reached=$(psql -X -A -t -d postgres -c "SELECT coalesce(pg_last_xact_replay_timestamp()::text, 'the backup itself')")
echo "drill: $newest is back after $(($(date +%s) - began)) s; it reaches up to $reached"
