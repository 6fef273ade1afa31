#!/bin/sh
# The same as boot-measure.sh where there is nothing but systemd's varlinkctl (257 or newer) and openssl: measures files into one register and shows that
# the register holds what openssl computes. A refused call ends the script: varlinkctl then exits with 1.
#
# Usage: boot-measure-varlinkctl.sh REGISTER FILE...
# mrd's socket in MRD_SOCKET if it is not the default; the program in VARLINKCTL if it is not on the PATH.
set -eu

varlinkctl=${VARLINKCTL:-varlinkctl}
socket=${MRD_SOCKET:-/run/mrd/io.mrd}
[ $# -ge 2 ] || { echo "usage: boot-measure-varlinkctl.sh REGISTER FILE..." >&2; exit 2; }
register=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# call METHOD PARAMETERS: the reply on one line.
call() { "$varlinkctl" call --json=short "unix:$socket" "io.mrd.Registers.$1" "$2"; }

# value_of REPLY: the register's value in it.
value_of() { printf '%s' "$1" | sed -n 's/.*"value":"\([0-9a-f]*\)".*/\1/p'; }

# unhex DIGITS: the bytes, with nothing but the shell: printf understands octal.
unhex() {
    rest=$1
    while [ -n "$rest" ]; do
        pair=${rest%"${rest#??}"}
        rest=${rest#??}
        # shellcheck disable=SC2059 # the format is the byte
        printf "\\$(printf '%03o' "0x$pair")"
    done
}

reply=$(call Read "{\"name\":\"$register\"}")
before=$(value_of "$reply")
echo "before   $before"
unhex "$before" >"$work/value"

for file in "$@"; do
    digest=$(openssl dgst -sha384 -r "$file" | cut -d ' ' -f 1)
    reply=$(call Extend "{\"name\":\"$register\",\"digest\":\"$digest\"}")
    openssl dgst -sha384 -binary "$file" >"$work/digest"
    cat "$work/value" "$work/digest" | openssl dgst -sha384 -binary >"$work/next"
    mv "$work/next" "$work/value"
    echo "measured $file"
done

reply=$(call Read "{\"name\":\"$register\"}")
after=$(value_of "$reply")
expected=$(od -An -v -tx1 "$work/value" | tr -d ' \n')
echo "after    $after"
echo "expected $expected (openssl)"
[ "$after" = "$expected" ] || { echo "the register is not what openssl computes" >&2; exit 1; }
echo "equal"
