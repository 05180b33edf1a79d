#!/bin/sh
# Recompile every lock. Pins stay where they can; `lock.sh -U` moves all, `lock.sh -P NAME` one.
# With OUT set the locks are written there (the check compares them with ours).
set -eu
cd "$(dirname "$0")/../.."
OUT=${OUT:-.}
export UV_SYSTEM_CERTS=1 UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1
# A committed lock holds names, versions and hashes: nobody's settings may add an address.
unset UV_INDEX_URL UV_EXTRA_INDEX_URL UV_FIND_LINKS 2>/dev/null || true

own=''
for member in kit proto local auth crm analytics notify gateway; do
    own="$own --no-emit-package freelanceflow-$member"
done

compile() {
    .venv/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate $own "$@"
}

compile "$@" services/*/pyproject.toml deploy/local/pyproject.toml -o "$OUT/requirements.lock"
compile "$@" -c "$OUT/requirements.lock" requirements-dev.in -o "$OUT/requirements-dev.lock"
for service in services/*/; do
    mkdir -p "$OUT/$service"
    compile -c "$OUT/requirements.lock" "${service}pyproject.toml" -o "$OUT/${service}requirements.lock"
done
compile "$@" --no-deps --python-version 3.12 tools.in -o "$OUT/tools.lock"
compile "$@" --no-deps deploy/local/bootstrap.in -o "$OUT/deploy/local/bootstrap.lock"
