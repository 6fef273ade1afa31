#!/bin/sh
# Programs that others wrote, as Debian has them, get reports through mrfs in the place of the kernel's files: go-configfs-tsm, go-tdx-guest's attest and check, and
# systemd-report-sign-tsm.
# Usage: tests/report_clients.sh BUILD_DIR [--make-root]
#
# Exits 77, with the reason, where they cannot be had; without --make-root also where the root that they run in has not been made.
set -eu

usage() { sed -n '4s/^# U/u/p' "$0" >&2; exit 2; }
[ $# -ge 1 ] || usage
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
skip() { echo "report_clients: skipped: $1" >&2; exit 77; }
[ "$(id -u)" -eq 0 ] || skip "mounting over /sys is root's"
[ -w /dev/fuse ] || skip "/dev/fuse cannot be opened"
[ -x "$build/mrfs/mrfs" ] || skip "this build has no mrfs"
case ${2:-} in
--make-root) root=$("$source/scripts/report-clients-root") || exit $? ;;
'') root=$("$source/scripts/report-clients-root" --if-made) || exit $? ;;
*) usage ;;
esac
varlinkctl=$("$source/scripts/varlinkctl-root") || exit $?

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
# shellcheck source=scripts/debian-root.sh
. "$source/scripts/debian-root.sh"
socket=$folder/io.mrd
mrctl() { "$build/mrctl/mrctl" --socket "$socket" "$@"; }
"$build/mrd/mrd" --sim --socket "$socket" --state "$folder/state" --log-level error &
mrd=$!
process=$mrd
listens "$socket" || { echo "report_clients: mrd does not start" >&2; exit 1; }
mkdir "$folder/mount" "$folder/inside"
"$build/mrfs/mrfs" --socket "$socket" "$folder/mount" &
mrfs=$!
trap 'kill $mrfs $mrd 2>/dev/null; wait; end_test' EXIT
tries=0
until grep -q " $folder/mount fuse" /proc/mounts; do
    tries=$((tries + 1))
    if [ "$tries" -gt 400 ] || ! kill -0 "$mrfs"; then echo "report_clients: mrfs does not start" >&2; exit 1; fi
    sleep 0.05
done

# in_root COMMAND: a shell's, in the root, with mrfs where the kernel's files are, and $folder/inside as its /tmp.
in_root() {
    # shellcheck disable=SC2016 # for the inner shell
    $own_mounts sh -eu -c '
        mount -t proc proc "$1/proc"
        mount -t tmpfs none "$1/sys"
        mkdir -p "$1/sys/kernel/config" "$1/sys/class/misc" "$1/sys/devices/virtual/misc/tdx_guest/measurements"
        mount --bind "$2/mount/config" "$1/sys/kernel/config"
        mount --bind "$2/mount/measurements" "$1/sys/devices/virtual/misc/tdx_guest/measurements"
        ln -s ../../devices/virtual/misc/tdx_guest "$1/sys/class/misc/tdx_guest"
        mount --bind "$2/inside" "$1/tmp"
        exec chroot "$1" sh -eu -c "$3"' sh "$root" "$folder" "
            export HOME=/tmp GO111MODULE=off GOPATH=/usr/share/gocode CGO_ENABLED=0 GOFLAGS=-buildvcs=false GOCACHE=/var/cache/go-build
            cd /tmp
            $1" >"$folder/out" 2>"$folder/err" </dev/null
}
# shows WHAT PATTERN: the last command printed it.
shows() {
    cat "$folder/out" "$folder/err" | grep -q -e "$2" || fail "$1: no $2" "$folder/out" "$folder/err"
}
# verifies WHAT QUOTE: by mrctl, over $data.
verifies() {
    if ! mrctl verify --quote "$2" --collateral "$folder/collateral.json" --roots "$folder/inside/root.pem" --nonce "$data" --without reference >"$folder/out" 2>"$folder/err" ||
        ! tail -n 1 "$folder/out" | grep -q '^verified, but not hardware'; then
        fail "$1: its quote does not verify" "$folder/out" "$folder/err"
    fi
}
flip() {
    cp "$1" "$2"
    printf '\377' | dd of="$2" bs=1 seek="$3" conv=notrunc status=none
}

data=$(openssl rand -hex 64)
mrctl collateral -o "$folder/collateral.json" --root "$folder/inside/root.pem" >"$folder/out"
cp "$source/tests/report_clients/get_report.go" "$folder/inside/"

# ---- go-configfs-tsm
if in_root "go build -o get_report get_report.go && ./get_report $data >quote"; then
    shows go-configfs-tsm '^provider "tdx_guest.n", auxblob of 0 bytes$'
    shows go-configfs-tsm '^another instance: its own report$'
    shows go-configfs-tsm '^the first instance: its own report$'
    # As every kernel says: what it would extend by was never merged.
    shows go-configfs-tsm '^rtmr: .*/sys/kernel/config/tsm/rtmrs: no such file or directory$'
    verifies go-configfs-tsm "$folder/inside/quote"
else
    fail "go-configfs-tsm gets no report" "$folder/out" "$folder/err"
fi

# ---- go-tdx-guest. Its packages lack the root that they trust: the simulator's is put there.
echo '{"Replace":{"/usr/share/gocode/src/github.com/google/go-tdx-guest/verify/trusted_root.pem":"/tmp/root.pem"}}' >"$folder/inside/overlay.json"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj '/CN=Intel SGX Root CA' -out "$folder/inside/other.pem" 2>/dev/null
mrctl measure tdx/rtmr3 "$0" >"$folder/out"
rtmr3=$(mrctl read tdx/rtmr3 | cut -d ' ' -f 2)
if in_root "go build -o attest github.com/google/go-tdx-guest/tools/attest && go build -overlay overlay.json -o check github.com/google/go-tdx-guest/tools/check
    ./attest -in $data -inform hex -out attested
    ./attest -in $data -inform hex -outform textproto -out attested.text"; then
    verifies attest "$folder/inside/attested"
    flip "$folder/inside/attested" "$folder/inside/flipped" 600
    in_root "./check -in attested -report_data $data" || fail "check refuses the simulator's quote under the simulator's root" "$folder/out" "$folder/err"
    in_root "./check -in attested.text -inform textproto -report_data $data" || fail "check refuses the quote as text" "$folder/out" "$folder/err"
    zeros=$(printf '0%.0s' $(seq 96))
    in_root "./check -in attested -rtmrs $zeros,$zeros,$zeros,$rtmr3" || fail "check finds other registers than mrd has" "$folder/out" "$folder/err"
    if in_root "./check -in attested -rtmrs $zeros,$zeros,$zeros,$zeros"; then fail "check takes a quote of other registers"; fi
    if in_root "./check -in flipped"; then fail "check takes a quote with a byte changed"; fi
    if in_root "./check -in attested -report_data $(openssl rand -hex 64)"; then fail "check takes a quote over other data"; fi
    if in_root "./check -in attested -trusted_roots other.pem"; then fail "check takes the simulator's quote under another root"; fi
else
    fail "go-tdx-guest's attest and check are not built, or attest gets no quote" "$folder/out" "$folder/err"
fi

# ---- systemd-report-sign-tsm, a service for one connection
digest=$(openssl rand -hex 32)
in_root "SYSTEMD_VARLINK_LISTEN=/tmp/sign exec timeout 60 /usr/lib/systemd/systemd-report-sign-tsm" &
signer=$!
tries=0
until [ -S "$folder/inside/sign" ] || [ "$tries" -gt 400 ]; do
    tries=$((tries + 1))
    sleep 0.05
done
if timeout 60 "$varlinkctl" call -j "unix:$folder/inside/sign" io.systemd.Report.Signer.Sign "{\"digest\":\"$digest\",\"algorithm\":\"SHA256\"}" >"$folder/signed" 2>"$folder/said"; then
    grep -q '"provider":"tdx_guest"' "$folder/signed" || fail "systemd-report-sign-tsm names another provider" "$folder/signed"
    sed 's/.*"outblob":"\([^"]*\)".*/\1/' "$folder/signed" | openssl base64 -d -A >"$folder/inside/signed.quote"
    # It fills the digest up with zeros.
    data=$digest$(printf '0%.0s' $(seq 64))
    verifies systemd-report-sign-tsm "$folder/inside/signed.quote"
else
    fail "systemd-report-sign-tsm signs nothing" "$folder/said" "$folder/err"
fi
wait "$signer" || fail "systemd-report-sign-tsm ended with $?" "$folder/err"

[ -z "$(ls "$folder/mount/config/tsm/report")" ] || fail "they have left reports behind"
end
