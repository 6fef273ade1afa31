#!/bin/bash
# Runs the commands of docs/guide.md, or of another page, as they stand there, in their order, in one shell, and compares what they print; there `...` stands for anything.
# A command begins with "$ ", and goes on to the end of its here-document; what follows is what it prints.
# Usage: tests/guide.sh BUILD [PAGE]
#
# What pages do in /tmp/mrd-tour is done in a folder of the test's own; what they do with varlinkctl and socat only where these are, and with the repository's tools not at all. Exits 77 where it
# cannot act as other users, or where there is a TD's device: the pages are for the simulator.
set -euo pipefail

BUILD=$(realpath "${1:?usage: tests/guide.sh BUILD [PAGE]}")
SOURCE=$(cd "$(dirname "$0")/.." && pwd)
page=${2:-docs/guide.md}
case $page in
    docs/guide.md) least=100 ;;
    README.md) least=22 ;;
    docs/devices.md) least=50 ;;
    *) least=8 ;;
esac
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
' <(sed "s:/tmp/mrd-tour:$folder/tour:g" "$SOURCE/$page")
leave_out() {
    { grep -lE "$1" "$folder"/steps/*.sh || true; } | while IFS= read -r step; do rm "$step" "${step%.sh}.wanted"; done
}
leave_out '^tools/'
command -v varlinkctl >/dev/null || leave_out '^varlinkctl '
command -v socat >/dev/null || leave_out '^socat |tour/quote '
count=$(find "$folder/steps" -name '*.sh' | wc -l)
[ "$count" -ge "$least" ] || fail "only $count commands were found"
for step in "$folder"/steps/*.sh; do
    printf 'exec >%s 2>&1\n' "${step%.sh}.got"
    cat "$step"
    # Who types waits longer than this before he starts the next one.
    ! grep -q '^kill %' "$step" || echo wait
done >"$folder/all"

# What a command prints must not come of where it is run. The README's build is below the working folder.
unset MRD_SOCKET
[ "$page" = docs/guide.md ] || PATH=$BUILD/mrd:$BUILD/mrctl:$PATH
mkdir "$folder/tree" "$folder/tree/build" "$folder/tour"
for preset in release plain; do ln -s "$BUILD" "$folder/tree/build/$preset"; done
cd "$folder/tree"
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
