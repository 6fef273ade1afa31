#!/bin/sh
# Lets an independent verifier judge the simulator's quotes: @phala/dcap-qvl, pure JavaScript, which shares no code with ours.
# Usage: tests/dcap_qvl.sh BUILD_DIR
#
# Exits 77 where the verifier cannot be installed.
set -eu

[ $# -eq 1 ] || { echo "usage: tests/dcap_qvl.sh BUILD_DIR" >&2; exit 2; }
build=$1
source=$(cd "$(dirname "$0")/.." && pwd)
verifier=$("$source/scripts/dcap-qvl") || exit $?

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
# judge STATUS WORDS QUOTE [ROOT]: the verifier's exit status, and words of what it says.
judge() {
    wanted=$1
    words=$2
    shift 2
    quote=$1
    shift
    status=0
    timeout 60 node "$verifier" verify "$quote" "$folder/$format/collateral.json" "$@" >"$folder/out" 2>&1 </dev/null || status=$?
    if [ "$status" -ne "$wanted" ] || ! grep -q -e "$words" "$folder/out"; then
        fail "$format: $(basename "$quote") $*: exit status $status instead of $wanted, or no '$words' in:" "$folder/out"
    fi
}
# flip FROM TO OFFSET: a copy with one bit of one byte changed.
flip() {
    cp "$1" "$2"
    byte=$(od -An -tu1 -j "$3" -N 1 "$1" | tr -d ' ')
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}

report_data=$(printf '5a%.0s' $(seq 64))
for format in tdx_v4 tdx_v5_td10 tdx_v5_td15; do
    made=$folder/$format
    mkdir "$made"
    "$build/tests/tools/mrd-sim-quote" "$made" "$format" "$report_data"

    judge 0 'Status: UpToDate' "$made/quote.bin" "$made/root.der"
    # Under Intel's root, which it knows.
    judge 1 'certificate chain' "$made/quote.bin"
    # A byte of RTMR0, which stands in the same place of all three but for version 5's six more bytes.
    flip "$made/quote.bin" "$made/flipped.bin" 380
    judge 1 'signature is invalid' "$made/flipped.bin" "$made/root.der"
done

end
