#!/bin/sh
# Regenerates the stubs in proto/gen from proto/freelanceflow. With --check: into a copy, and compares.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
python="$here/../.venv/bin/python"
target="$here/gen"
if [ "${1:-}" = "--check" ]; then
  target=$(mktemp -d)
  trap 'rm -rf "$target"' EXIT
fi
mkdir -p "$target"
cd "$here"
PATH="$here/../.venv/bin:$PATH" "$python" -m grpc_tools.protoc -I . \
  --python_out="$target" --grpc_python_out="$target" --mypy_out="quiet:$target" --mypy_grpc_out="quiet:$target" \
  $(find freelanceflow -name '*.proto' | sort)
if [ "${1:-}" = "--check" ]; then
  diff -r -x __pycache__ -x .keep -x py.typed "$target/freelanceflow" "$here/gen/freelanceflow" ||
    { echo "proto/gen is not what proto/freelanceflow generates: run 'make proto' and commit." >&2; exit 1; }
fi
