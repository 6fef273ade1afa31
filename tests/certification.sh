#!/bin/sh
# Runs Varlink's own certification suite both ways between this project's implementation and the Go one, and ours against ours.
# Usage: tests/certification.sh BUILD_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: tests/certification.sh BUILD_DIR" >&2; exit 2; }
source=$(cd "$(dirname "$0")/.." && pwd)
ours=$1/tests/varlink_certification
go=$("$source/scripts/certification-peer")
[ -x "$ours" ] || { echo "certification: $ours is not built" >&2; exit 1; }
# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

# certify WHAT SERVER CLIENT: both programs take [--client] --varlink=ADDRESS.
certify() {
    what=$1
    socket=$folder/socket
    rm -f "$socket"
    : >"$folder/client.log"
    "$2" --varlink="unix:$socket" >"$folder/server.log" 2>&1 &
    process=$!
    if ! listens "$socket"; then
        fail "$what: the server does not listen" "$folder/server.log"
        end_process
        return
    fi
    status=0
    timeout 60 "$3" --client --varlink="unix:$socket" >"$folder/client.log" 2>&1 || status=$?
    # The Go client exits 0 even on failure: only its last line tells.
    if [ "$status" -ne 0 ]; then
        fail "$what: the client exited with $status" "$folder/server.log" "$folder/client.log"
    elif ! grep -qx "End: 'true'" "$folder/client.log"; then
        fail "$what: the client did not come to End: 'true'" "$folder/server.log" "$folder/client.log"
    elif ! kill -0 "$process" 2>/dev/null; then
        fail "$what: the server ended on its own" "$folder/server.log" "$folder/client.log"
    else
        echo "certification: $what: passed"
    fi
    end_process
}

certify "our server, Go's client" "$ours" "$go"
certify "Go's server, our client" "$go" "$ours"
certify "our server, our client" "$ours" "$ours"
end
