#!/bin/sh
# Prints what the explorations of the last ctest went through, a line each: docs/exploration.md says what the figures mean. Fails if there was none.
# Usage: tests/explored.sh BUILD_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: tests/explored.sh BUILD_DIR" >&2; exit 2; }
awk '
    /^[0-9]+\/[0-9]+ Test: / { test = $3 }
    /^[0-9]+ (states|histories), / { print test ": " $0; found = 1 }
    END { exit !found }
' "$1/Testing/Temporary/LastTest.log" || { echo "explored: no test explored anything" >&2; exit 1; }
