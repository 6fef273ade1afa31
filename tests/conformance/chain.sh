#!/bin/sh
# What every provider of mrd must do, of the provider tsm on mrfs over a second mrd on the simulator: Linux's files without a TD and without a virtual machine. In a
# mount namespace of its own, where a tmpfs has the place of /sys. Each test has new hardware.
# Usage: tests/conformance/chain.sh BUILD [TEST]
#
# Exits 77 where nothing can be mounted.
set -eu

source=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
skip() { echo "chain: $1" >&2; exit 77; }
[ -w /dev/fuse ] || skip "/dev/fuse cannot be opened here"
if [ "$(id -u)" = 0 ]; then private="unshare -m --propagation private"; else private="unshare -Urm --propagation private"; fi
if [ -z "${MRD_CHAIN-}" ]; then
    $private mount -t tmpfs none /sys 2>/dev/null || skip "nothing can be mounted here"
    MRD_CHAIN=1 exec $private "$0" "$@"
fi

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
mrfs=
end_chain() {
    umount -l /sys 2>/dev/null || true
    [ -z "$mrfs" ] || kill "$mrfs" 2>/dev/null || true
    [ -z "$mrfs" ] || wait "$mrfs" || true
    end_test
}
trap end_chain EXIT

hardware() { # begins anew
    if [ -n "${mrd-}" ]; then
        kill "$mrd"
        wait "$mrd" || true
        rm -r "$folder/hardware"
    fi
    "$build/mrd/mrd" --sim --socket "$folder/hardware.mrd" --state "$folder/hardware" --log-level error &
    mrd=$!
    process=$mrd
    listens "$folder/hardware.mrd" || { fail "the mrd below does not start"; exit 1; }
}

hardware
mkdir "$folder/mr"
"$build/mrfs/mrfs" --socket "$folder/hardware.mrd" "$folder/mr" 2>"$folder/mrfs" &
mrfs=$!
until [ -d "$folder/mr/config/tsm" ]; do
    kill -0 "$mrfs" 2>/dev/null || skip "$(cat "$folder/mrfs")"
    sleep 0.01
done
mount -t tmpfs none /sys
mkdir -p /sys/kernel/config /sys/devices/virtual/misc/tdx_guest/measurements /sys/mrd-chain
mount --bind "$folder/mr/config" /sys/kernel/config
mount --bind "$folder/mr/measurements" /sys/devices/virtual/misc/tdx_guest/measurements

tests=${2:-$("$build/tests/conformance/conformance_tests" --gtest_list_tests --gtest_filter='*/chain' | sed -n 's/^  \([^ ]*\).*/\1/p')}
[ -n "$tests" ] || fail "there are no tests"
for test in $tests; do
    hardware
    "$build/mrctl/mrctl" --socket "$folder/hardware.mrd" collateral -o "$folder/collateral" --root /sys/mrd-chain/root.pem >/dev/null
    "$build/tests/conformance/conformance_tests" --gtest_filter="*.$test" --gtest_brief=1 || fail "$test has failed"
done
end
