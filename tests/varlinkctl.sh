#!/bin/sh
# Runs systemd's varlinkctl against mrd: the client that boot scripts use.
# Usage: tests/varlinkctl.sh BUILD_DIR
#
# Exits 77 where there is no varlinkctl and no way to get one.
set -eu

[ $# -eq 1 ] || { echo "usage: tests/varlinkctl.sh BUILD_DIR" >&2; exit 2; }
build=$1
source=$(cd "$(dirname "$0")/.." && pwd)
varlinkctl=$("$source/scripts/varlinkctl-root") || exit $?

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
# run STATUS ARGUMENTS...: varlinkctl with its output in $folder/out and $folder/err.
run() {
    wanted=$1
    shift
    status=0
    timeout 60 "$varlinkctl" "$@" >"$folder/out" 2>"$folder/err" </dev/null || status=$?
    [ "$status" -eq "$wanted" ] || fail "$*: exit status $status instead of $wanted" "$folder/out" "$folder/err"
}
# shows WHAT PATTERN: the last run printed it.
shows() {
    grep -q -e "$2" "$folder/out" || fail "$1: no $2" "$folder/out" "$folder/err"
}

socket=$folder/io.mrd
"$build/mrd/mrd" --sim --socket "$socket" --state "$folder/state" --log-level error &
process=$!
listens "$socket" || { echo "varlinkctl: mrd does not start" >&2; exit 1; }
address=unix:$socket
zero=$(printf '0%.0s' $(seq 96))
digest=$(printf 'a%.0s' $(seq 96))

run 0 info "$address"
shows "info" "simulated"
shows "info" "io.mrd.Registers"
shows "info" "io.mrd.Attestation"

run 0 list-interfaces "$address"
shows "list-interfaces" "^io.mrd.Registers$"

for interface in io.mrd.Registers io.mrd.EventLog io.mrd.Attestation io.mrd.Devices io.mrd.Service org.varlink.service; do
    run 0 introspect "$address" "$interface"
    shows "introspect $interface" "interface $interface"
done
run 0 introspect "$address" io.mrd.Registers
shows "introspect" "^# new = H(old || digest)"
shows "introspect" "method Extend"
shows "introspect" "error LogOnly"

run 0 call -j "$address" io.mrd.Registers.List '{}'
shows "List" '"name":"tdx/rtmr3","hash":"sha384","size":48,"flags":"XWRL","owner":"owned","capped":false,"simulated":true,"unbound":true,"roles":\["app","config"\]'

run 0 call -j "$address" io.mrd.Registers.Read '{"name":"tdx/rtmr3"}'
shows "Read" "\"value\":\"$zero\""

run 0 call -j "$address" io.mrd.Registers.Extend "{\"name\":\"tdx/rtmr3\",\"digest\":\"$digest\"}"
shows "Extend" '"sequence":1'
value=$(sed -n 's/.*"value":"\([0-9a-f]*\)".*/\1/p' "$folder/out")
expected=$( (printf '\0%.0s' $(seq 48); printf '\252%.0s' $(seq 48)) | openssl dgst -sha384 -r | cut -d' ' -f1)
[ "$value" = "$expected" ] || fail "Extend: the register is $value, openssl says $expected"

run 1 call -j "$address" io.mrd.Registers.Read '{"name":"tdx/rtmr9"}'
cat "$folder/err" >>"$folder/out"
shows "a refused call" "io.mrd.Registers.NoSuchRegister"
run 1 call -j "$address" io.mrd.Registers.Extend "{\"name\":\"tdx/mrtd\",\"digest\":\"$digest\"}"
cat "$folder/err" >>"$folder/out"
shows "a refused call" "io.mrd.Registers.NotExtensible"

run 0 call -j --more "$address" io.mrd.EventLog.Records '{}'
shows "Records" "\"record\":{\"sequence\":1,\"name\":\"tdx/rtmr3\",\"digest\":\"$digest\""
run 0 call -j "$address" io.mrd.EventLog.Replay '{}'
shows "Replay" "\"replayed\":\"$value\",\"actual\":\"$value\",\"equal\":true,\"endsAtRegister\":true,\"gaps\":\[\]"
run 0 call -j --more "$address" io.mrd.EventLog.Export '{"format":"json"}'
shows "Export" '"chunk":"'
run 1 call -j --more "$address" io.mrd.EventLog.Export '{"format":"xml"}'
cat "$folder/err" >>"$folder/out"
shows "an unknown format" "io.mrd.EventLog.UnknownFormat"

# The present value, and one change; then the watcher goes.
mkfifo "$folder/watched"
timeout 60 "$varlinkctl" call -j --more "$address" io.mrd.Registers.Watch '{"names":["tdx/rtmr3"]}' >"$folder/watched" 2>"$folder/err" &
watcher=$!
exec 3<"$folder/watched"
# varlinkctl separates replies by a record separator or a line end.
reply() { head -c 1 >/dev/null <&3 && IFS= read -r line <&3 && echo "$line"; }
reply >"$folder/out"
shows "Watch" "\"value\":\"$value\""
"$varlinkctl" call -j "$address" io.mrd.Registers.Extend "{\"name\":\"tdx/rtmr3\",\"digest\":\"$digest\"}" >"$folder/extended"
value=$(sed -n 's/.*"value":"\([0-9a-f]*\)".*/\1/p' "$folder/extended")
reply >"$folder/out"
shows "Watch after an extend" "\"value\":\"$value\""
exec 3<&-
kill "$watcher" 2>/dev/null || true
wait "$watcher" 2>/dev/null || true

for file in "$source"/proto/interfaces/*.varlink; do
    run 0 validate-idl "$file"
done

kill "$process"
status=0
wait "$process" || status=$?
process=
[ "$status" -eq 0 ] || fail "mrd ended with $status"
end
