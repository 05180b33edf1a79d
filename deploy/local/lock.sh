#!/bin/sh
# Recompile every lock. Pins stay where they can; `lock.sh -U` moves all, `lock.sh -P NAME` one.
# With --check: into a copy, and compare the pins.
set -eu
cd "$(dirname "$0")/../.."
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1

locks="requirements.lock requirements-dev.lock tools.lock deploy/local/bootstrap.lock deploy/docker/build.lock tests/load/requirements.lock deploy/audit/requirements.lock"
for service in services/*/; do
    locks="$locks ${service}requirements.lock"
done

out=.
if [ "${1:-}" = --check ]; then
    shift
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    # The copies keep the pins: only what the projects ask for may make a difference.
    for lock in $locks; do
        mkdir -p "$out/$(dirname "$lock")"
        cp "$lock" "$out/$lock"
    done
fi

own=''
for member in kit proto local auth crm analytics notify gateway; do
    own="$own --no-emit-package freelanceflow-$member"
done

compile() {
    .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate $own "$@"
}

compile "$@" services/*/pyproject.toml deploy/local/pyproject.toml -o "$out/requirements.lock"
compile "$@" -c "$out/requirements.lock" requirements-dev.in -o "$out/requirements-dev.lock"
for service in services/*/; do
    compile -c "$out/requirements.lock" "${service}pyproject.toml" -o "$out/${service}requirements.lock"
done
compile -c "$out/requirements.lock" deploy/docker/build.in -o "$out/deploy/docker/build.lock"
compile "$@" --no-deps --python-version 3.12 tools.in -o "$out/tools.lock"
compile "$@" --no-deps deploy/local/bootstrap.in -o "$out/deploy/local/bootstrap.lock"
compile "$@" deploy/audit/requirements.in -o "$out/deploy/audit/requirements.lock"
compile "$@" tests/load/requirements.in -o "$out/tests/load/requirements.lock"

[ "$out" = . ] && exit 0
failed=0
pins() { grep '==' "$1"; }
for lock in $locks; do
    # Pins alone: a wheel that somebody adds to an old release changes the hashes, and means nothing.
    pins "$lock" >"$out/before"
    pins "$out/$lock" | diff -u "$out/before" - && continue
    echo "$lock is not what its project asks for: make lock" >&2
    failed=1
done
exit $failed
