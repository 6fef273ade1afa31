#!/bin/bash
# Checks that the summary of tools/check and tools/nightly tells what passed from what failed and from what could not be tried.
# Usage: tests/stages.sh
# shellcheck disable=SC2317 # each stage is a function, called by its name
set -euo pipefail

source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tools/stages.sh
. "$source/tools/stages.sh"

tries() { echo "tries"; echo "$1" >&2; return "$2"; }
test_good() { skippable tries "good: skipped: one part, and not the others" 0; }
test_bad() { skippable tries "bad: skipped: nothing" 1; }
test_lacking() { skippable tries "lacking: skipped: there is no root here" 77 && echo "this must not be reached"; }
test_mute() { skippable tries "" 77; }
# The status of something that nobody has said can be skipped.
test_odd() { return 77; }

# summary STAGE...: the status and the lines, without the times.
summary() {
    local status=0
    run_stages tests/stages.sh test "$@" >"$folder/out" 2>"$folder/err" || status=$?
    echo "$status"
    sed -n '/^== tests/,$p' "$folder/out" | sed -E '1d; s/ +[0-9]+ s +/ /'
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
wants() {
    [ "$1" = "$2" ] || { printf 'stages: the summary is\n%s\nand not\n%s\n' "$1" "$2" >&2; exit 1; }
}
wants "$(summary good lacking mute)" "0
good passed
lacking SKIPPED (there is no root here)
mute SKIPPED (it does not say why)"
wants "$(summary good bad)" "1
good passed
bad FAILED"
wants "$(summary odd lacking)" "1
odd FAILED
lacking SKIPPED (there is no root here)"
wants "$(summary lacking >/dev/null; head -n 2 "$folder/out"; cat "$folder/err")" "== lacking
tries
lacking: skipped: there is no root here"

for tool in check nightly; do
    ! grep -n '77' "$source/tools/$tool" >&2 || { echo "stages: tools/$tool takes 77 for something else than skippable does" >&2; exit 1; }
done
