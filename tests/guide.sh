#!/bin/bash
# Runs the commands of docs/guide.md as they stand there, in their order, in one shell, and compares what they print; there `...` stands for anything.
# A command begins with "$ ", and goes on to the end of its here-document; what follows is what it prints.
# Usage: tests/guide.sh BUILD
#
# Exits 77 where it cannot act as other users, or where there is a TD's device: the guide is for the simulator.
set -euo pipefail

BUILD=$(realpath "${1:?usage: tests/guide.sh BUILD}")
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
export BUILD SOURCE
[ "$(id -u)" = 0 ] || { echo "guide: only root can act as other users" >&2; exit 77; }
[ ! -e /dev/tdx_guest ] || { echo "guide: the registers here are real" >&2; exit 77; }
# shellcheck source=tests/shell.sh
. "$SOURCE/tests/shell.sh"
# Others look for programs and sockets below.
chmod 755 "$folder"
mkdir "$folder/steps"

# Each command with what it is to print, in files of its own; and a script that runs them all.
awk -v steps="$folder/steps" '
    /^```/ { shown = $0 == "```console"; next }
    !shown { next }
    here != "" { print >(step ".sh"); if ($0 == here) here = ""; next }
    /^\$ / {
        if (step != "") { close(step ".sh"); close(step ".wanted") }
        step = sprintf("%s/%03d", steps, ++number)
        print substr($0, 3) >(step ".sh")
        printf "" >(step ".wanted")
        if (match($0, /<<\047?[A-Z]+\047?$/)) { here = substr($0, RSTART + 2); gsub("\047", "", here) }
        next
    }
    { print >(step ".wanted") }
' "$SOURCE/docs/guide.md"
count=$(find "$folder/steps" -name '*.sh' | wc -l)
[ "$count" -gt 100 ] || fail "only $count commands were found"
for step in "$folder"/steps/*.sh; do
    printf 'exec >%s 2>&1\n' "${step%.sh}.got"
    cat "$step"
done >"$folder/all"

# What a command prints must not come of where it is run.
unset MRD_SOCKET
TMPDIR=$folder timeout 100 bash -c 'trap "kill \$(jobs -p) 2>/dev/null; wait" EXIT; . "$1"' guide "$folder/all" </dev/null ||
    fail "it did not come to its end, or the last command failed"

# Those behind the first that differs rest on it.
for step in "$folder"/steps/*.sh; do
    step=${step%.sh}
    [ -f "$step.got" ] || { fail "this is not reached:" "$step.sh"; break; }
    wanted=$(sed 's/[][*?\\()]/\\&/g; s/\.\.\./*/g' "$step.wanted")
    # shellcheck disable=SC2053 # a pattern
    [[ $(cat "$step.got") == $wanted ]] || { fail "this prints something else:" "$step.sh"; diff "$step.wanted" "$step.got" >&2 || true; break; }
done
end
