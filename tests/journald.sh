#!/bin/sh
# Checks that journalctl finds what mrd tells: the real systemd-journald, in a mount namespace of its own.
# Usage: tests/journald.sh BUILD
#
# Exits 77 where there is no journald, or no such namespace can be made (root makes one).
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
build=$1
journald=/usr/lib/systemd/systemd-journald
[ -x "$journald" ] && command -v journalctl systemd-cat >/dev/null || { echo "journald: there is no systemd-journald here" >&2; exit 77; }
if [ "${2:-}" != inside ]; then
    unshare --mount --propagation private true 2>/dev/null || { echo "journald: this user can make no mount namespace" >&2; exit 77; }
    exec unshare --mount --propagation private "$0" "$build" inside
fi

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

mount -t tmpfs tmpfs /run
mkdir -p /run/log/journal
"$journald" 2>/dev/null &
process=$!
wait_for() {
    for _ in $(seq 600); do
        ! "$@" || return 0
        sleep 0.1
    done
    echo "journald: this did not come true: $*" >&2
    exit 1
}
wait_for test -S /run/systemd/journal/stdout

# As systemd starts it: standard error is a stream of journald's.
systemd-cat sh -c 'export JOURNAL_STREAM="$(stat --dereference --format=%d:%i /proc/self/fd/2)"; exec "$@"' sh \
    "$build/mrd/mrd" --sim --socket /run/mrd/io.mrd --state /run/mrd/state &
mrd=$!
listens /run/mrd/io.mrd || { echo "journald: mrd does not listen" >&2; exit 1; }
"$build/mrctl/mrctl" extend tdx/rtmr3 --digest "$(printf '%096d' 7)" --id "an id" >/dev/null
"$build/mrctl/mrctl" extend tdx/rtmr2 --digest "$(printf '%096d' 8)" >/dev/null
kill "$mrd"
wait "$mrd" || :

found() { journalctl --quiet --directory=/run/log/journal --output=cat "$@"; }
finds() {
    wanted=$1
    shift
    said=$(found "$@")
    [ "$said" = "$wanted" ] || fail "$* found \"$said\", and not \"$wanted\""
}
wait_for sh -c 'journalctl --quiet --directory=/run/log/journal --output=cat SYSLOG_IDENTIFIER=mrd | grep -q ^stopping'
finds tdx/rtmr3 MRD_REGISTER=tdx/rtmr3 --output-fields=MRD_REGISTER
finds "an id" MESSAGE_ID=1e3812dd626947c4a914dd325f366bb5 MRD_SEQUENCE=1 --output-fields=MRD_ID
finds tdx/rtmr2 MRD_UID=0 MRD_SEQUENCE=2 --output-fields=MRD_REGISTER
finds tdx/rtmr2 MRD_RULE=root MRD_SEQUENCE=2 --output-fields=MRD_REGISTER
finds 6 MRD_REGISTER=tdx/rtmr2 --output-fields=PRIORITY
finds stopping MESSAGE_ID=7e9fb8780dd34ea3b9667382aa2e67c8
finds "" MRD_REGISTER=tdx/rtmr1
end
