#!/bin/sh
# bench/table.awk: what it makes of figures that are made up. A ratio is taken within a round, and the table has the median of the rounds; what was not measured is
# an error.
# Usage: tests/bench_table.sh
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

# of ROW PROGRAM...: figures in three rounds, the same in each
of() {
    row=$1
    shift
    for program; do
        for round in 1 2 3; do echo "$row $program $round 1000 2000 3000 4000"; done
    done
}
all() {
    for shape in 1x1-same 1x64-same 8x64-split 64x1-split; do of "$shape" read extend echo-wait echo-read get; done
    of 1x1-same pcr-read pcr-extend quote evidence device-evidence
    of 8x16-split report quote evidence
    for shape in durable-1x1 durable-64x1 durable-64x64; do of "$shape" group aof; done
    of attestation report-limit sign-limit quote verify-limit verify verify-one appraise cca-limit cca snp-limit snp evidence-json evidence-cbor
    of journal mrd
    of start mrd mrd-unconfined swtpm
    for name in empty short long; do of "start-$name" mrd; done
    of replay limit limit-bindings replay bindings journal tpm2_eventlog mrctl
    of memory mrd mrd-unconfined swtpm connections empty long
    of length read-empty read-long extend-empty extend-long
    of command mrctl-read mrctl-extend tpm2_pcrextend true
}
# instead ROW PROGRAM FIGURE FIGURE FIGURE: the first figure of each round
instead() {
    echo "$1 $2 1 $3 2000 3000 4000"
    echo "$1 $2 2 $4 2000 3000 4000"
    echo "$1 $2 3 $5 2000 3000 4000"
}
table() { awk -v boot_events=10 -v virtual_registers=7 -v long_events=30 -v short_events=20 -f "$source/bench/table.awk" >"$folder/table" 2>"$folder/said"; }
# has TEXT VALUE: a line of the table
has() {
    grep -F "$1" "$folder/table" | grep -qE "$2" || fail "the table should have $2 beside: $1" "$folder/table"
}

# The ratios are 10, 1 and 3; that of the medians is 1.33.
{
    all
    instead 8x64-split extend 100 400 900
    instead 1x1-same pcr-extend 10 400 300
    instead start-long mrd 100 400 900
    instead start-empty mrd 10 400 300
    instead 8x16-split report 100 400 900
    instead 8x16-split quote 100 400 900
    instead attestation report-limit 100000000 2500000 3333333
    instead attestation sign-limit 100000000 2500000 3333333
} | table || fail "a table of all that is measured" "$folder/said"
has "Extend 8x64 split, op/s : swtpm's best" ' 3\.000 '
has 'start to first reply, long journal : empty journal' ' 3\.000 '
has 'Report 8x16 split, op/s : what its hashes and MAC allow' ' 3\.000 '
has 'Quote 8x16 split, op/s : the signing limit' ' 3\.000 '
# p50 and p99 stand beside each ratio of times, the replays' too, in us; figures without a target are not judged.
has 'replay : the SHA-384 limit' ' 2\.000 +3\.000 +1000$'
has "the journal's check : the SHA-384 limit" ' 2\.000 +3\.000 +1000$'
has '  the same with confinement = "off"' ' 1\.000   -  +1000\.0 +1000\.0 +2000000$'
! grep -q '^15 ' "$folder/table" || fail "a row of virtual registers that were not measured" "$folder/table"

{
    all
    of virtual one many
} | table || fail "a table with virtual registers" "$folder/said"
has 'Measure 1x64 same, CPU ns, of 7 virtual registers : 1' ' 1\.000   at most 1\.1 +reached '

for missing in 'start mrd' '8x64-split get' 'replay journal' 'attestation sign-limit'; do
    ! (all | grep -v "^$missing " | table) || fail "a table without the figures of $missing" "$folder/table"
    grep -qxF "bench/table.awk: nothing was measured of $missing" "$folder/said" || fail "what is missing is not named" "$folder/said"
done
end
