# shellcheck shell=sh
# What the tests in shell have in common; to be sourced. $folder is the test's own, $process the one that runs beside it, if any: both end with the shell.

test_name=$(basename "$0" .sh)
folder=$(mktemp -d)
process=
failures=0

end_process() {
    [ -z "$process" ] || kill "$process" 2>/dev/null || true
    [ -z "$process" ] || wait "$process" 2>/dev/null || true
    process=
}
end_test() {
    end_process
    rm -rf "$folder"
}
trap end_test EXIT
trap 'exit 1' HUP INT TERM

# fail WHAT [FILE...]: goes on; the files tell more.
fail() {
    echo "$test_name: $1" >&2
    shift
    [ $# -eq 0 ] || sed 's/^/    /' "$@" >&2
    failures=$((failures + 1))
}

# listens SOCKET: waits until somebody does, not merely has bound it: the kernel's table marks such sockets with this flag. False: the process has ended, or does not.
listens() {
    tries=0
    while ! grep -q " 00010000 .* $1\$" /proc/net/unix; do
        tries=$((tries + 1))
        if [ "$tries" -gt 400 ] || ! kill -0 "$process" 2>/dev/null; then return 1; fi
        sleep 0.05
    done
}

end() {
    [ "$failures" -eq 0 ] || exit 1
    echo "$test_name: all passed"
}
