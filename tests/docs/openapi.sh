#!/usr/bin/env bash
# docs/openapi.json is true: each route and each example in it, over both sockets, in JSON and in YAML.
set -euo pipefail
[[ $# -eq 1 && -x $1/cli/callsheet ]] || { echo "usage: tests/docs/openapi.sh BUILD_DIR" >&2; exit 2; }
PATH=$(cd "$1/cli" && pwd):$PATH
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v python3 >/dev/null || { echo "SKIPPED: python3 is not installed"; exit 77; }
[[ $(stat -c %s docs/openapi.json) -lt 131072 ]] || { echo "docs/openapi.json has more than 128 KiB"; exit 1; }
[[ $(<docs/openapi.json) != *')~~~"'* ]] || { echo "docs/openapi.json has what ends it in the binary"; exit 1; }
python3 tests/docs/openapi.py
