#!/bin/sh
# Runs Varlink's own certification suite both ways between this project's implementation and the Go one, and ours against ours.
# Usage: tests/certification.sh BUILD_DIR
set -eu

[ $# -eq 1 ] || { echo "usage: tests/certification.sh BUILD_DIR" >&2; exit 2; }
ours=$1/tests/varlink_certification
go=$("$(dirname "$0")/../scripts/certification-peer")
[ -x "$ours" ] || { echo "certification: $ours is not built" >&2; exit 1; }

folder=$(mktemp -d)
server=
stop_server() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$server" ] || wait "$server" 2>/dev/null || true
    server=
}
cleanup() {
    stop_server
    rm -rf "$folder"
}
trap cleanup EXIT
trap 'exit 1' HUP INT TERM

failures=0
fail() {
    echo "certification: $1" >&2
    sed 's/^/    /' "$folder/server.log" "$folder/client.log" >&2
    failures=$((failures + 1))
}

# certify WHAT SERVER CLIENT: both programs take [--client] --varlink=ADDRESS.
certify() {
    what=$1
    socket=$folder/socket
    rm -f "$socket"
    : >"$folder/client.log"
    "$2" --varlink="unix:$socket" >"$folder/server.log" 2>&1 &
    server=$!
    tries=0
    # Listening, not merely bound: the kernel's table marks such sockets with this flag.
    while ! grep -q " 00010000 .* $socket\$" /proc/net/unix; do
        tries=$((tries + 1))
        if [ "$tries" -gt 200 ] || ! kill -0 "$server" 2>/dev/null; then
            fail "$what: the server does not listen"
            stop_server
            return
        fi
        sleep 0.05
    done
    status=0
    timeout 60 "$3" --client --varlink="unix:$socket" >"$folder/client.log" 2>&1 || status=$?
    # The Go client exits 0 even on failure: only its last line tells.
    if [ "$status" -ne 0 ]; then
        fail "$what: the client exited with $status"
    elif ! grep -qx "End: 'true'" "$folder/client.log"; then
        fail "$what: the client did not come to End: 'true'"
    elif ! kill -0 "$server" 2>/dev/null; then
        fail "$what: the server ended on its own"
    else
        echo "certification: $what: passed"
    fi
    stop_server
}

certify "our server, Go's client" "$ours" "$go"
certify "Go's server, our client" "$go" "$ours"
certify "our server, our client" "$ours" "$ours"
[ "$failures" -eq 0 ]
