#!/bin/bash
# Runs every example as its users would: the scripts as they are, the C++ programs built against an installed libmr (with find_package, and one of each
# component with pkg-config), all against a real mrd on the simulator. What needs varlinkctl says skipped where there is none.
# Usage: tests/examples.sh BUILD_FOLDER
set -euo pipefail

build=$(realpath "${1:?usage: tests/examples.sh BUILD_FOLDER}")
cd "$(dirname "$0")/.."
# shellcheck source=tests/shell.sh
. tests/shell.sh
work=$folder

# Each step rests on those before it.
fail() {
    echo "examples: $*" >&2
    exit 1
}

cmake --install "$build" --prefix "$work/prefix" >"$work/install.log" || fail "the install failed: $(cat "$work/install.log")"
# Ninja is what the project installs; there may be no make.
export CMAKE_GENERATOR=Ninja
export PATH="$work/prefix/bin:$work/prefix/sbin:$PATH" MRD_SOCKET="$work/io.mrd"
mrd --sim --socket "$MRD_SOCKET" --state "$work/state" --log-level error &
process=$!
listens "$MRD_SOCKET" || fail "mrd does not start"

echo "-- boot-measure.sh"
mkdir "$work/etc"
printf 'a = 1\n' >"$work/etc/a.conf"
printf 'b = 2\n' >"$work/etc/b with blanks.conf"
: >"$work/etc/empty"
examples/boot-measure.sh tdx/rtmr3 "$work/etc" /bin/sh | tee "$work/out"
[ "$(tail -n 1 "$work/out")" = equal ] || fail "boot-measure.sh did not end with equal"
[ "$(grep -c '^measured' "$work/out")" = 5 ] || fail "boot-measure.sh did not measure five things"

echo "-- any-machine"
mrd --sim --socket "$work/any.mrd" --state "$work/any-state" --log-level error &
other=$!
listens "$work/any.mrd" || fail "the second mrd does not start"
(
    MRD_SOCKET="$work/any.mrd"
    examples/any-machine/boot.sh
    mrctl list | grep -q '^tdx/rtmr3 .* app,config ' || fail "the roles are not in the list"
    nonce=$(openssl rand -hex 64)
    mrctl evidence --data "$nonce" -o "$work/any.json"
    mrctl collateral -o "$work/any.collateral" --root "$work/any.pem"
    verify() { mrctl verify "$work/any.json" --roots "$work/any.pem" --nonce "$nonce" --reference "$1"; }
    verify examples/any-machine/reference.json >"$work/out" || fail "not verified: $(cat "$work/out")"
    grep -v '"boot": \[' examples/any-machine/reference.json >"$work/without.json"
    if verify "$work/without.json" >"$work/out"; then fail "the evidence said which register a role is"; fi
    grep -q 'REFUSED: closed_registers' "$work/out" || fail "refused for something else: $(cat "$work/out")"
)
kill "$other"
wait "$other"

echo "-- boot-measure-varlinkctl.sh"
if varlinkctl=$(scripts/varlinkctl-root); then
    VARLINKCTL=$varlinkctl examples/boot-measure-varlinkctl.sh tdx/rtmr2 "$work/etc/a.conf" "$work/etc/empty" | tee "$work/out"
    [ "$(tail -n 1 "$work/out")" = equal ] || fail "boot-measure-varlinkctl.sh did not end with equal"
    if VARLINKCTL=$varlinkctl examples/boot-measure-varlinkctl.sh tdx/mrtd "$work/etc/a.conf" >"$work/out" 2>&1; then
        fail "an extend of tdx/mrtd was not refused"
    fi
    grep -q NotExtensible "$work/out" || fail "the refusal does not name its error: $(cat "$work/out")"
else
    echo "skipped: no varlinkctl of 257 or newer"
fi

echo "-- measure"
# The client's component asks for no OpenSSL.
cmake -S examples/measure -B "$work/measure" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON --no-warn-unused-cli >/dev/null
cmake --build "$work/measure" >/dev/null
sed 's|tdx/rtmr3|tdx/rtmr1|' examples/measure/measure.cpp >"$work/measure_rtmr1.cpp"
"$work/measure/measure" "what I run"
export PKG_CONFIG_PATH="$work/prefix/lib/pkgconfig"
read -r -a flags <<<"$(pkg-config --static --cflags --libs mr)"
"${CXX:-c++}" -std=c++23 "$work/measure_rtmr1.cpp" "${flags[@]}" -o "$work/measure_rtmr1"
if ldd "$work/measure/measure" "$work/measure_rtmr1" | grep libcrypto; then fail "the client needs libcrypto"; fi
mrctl read tdx/rtmr1 --raw >"$work/before"
printf 'text' | openssl dgst -sha384 -binary >"$work/digest"
expected=$(cat "$work/before" "$work/digest" | openssl dgst -sha384 -r | cut -d ' ' -f 1)
"$work/measure_rtmr1" text | grep -q "^tdx/rtmr1 $expected " || fail "the application's register is not what openssl computes"

echo "-- attestation-agent"
cmake -S examples/attestation-agent -B "$work/agent" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/agent" >/dev/null
seq 20 | "$work/agent/attestation-agent" >"$work/out" || fail "the agent failed"
[ "$(wc -l <"$work/out")" = 20 ] || fail "the agent did not answer 20 nonces"
while read -r _ nonce _ report_data _; do
    [ "$report_data" = "$(printf '%s' "$nonce" | openssl dgst -sha512 -r | cut -d ' ' -f 1)" ] || fail "nonce $nonce has another's report"
done <"$work/out"
grep -q SIMULATED "$work/out" || fail "the agent does not say that the reports are simulated"
echo "-- evidence and verifier"
cmake -S examples/evidence -B "$work/evidence-example" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/evidence-example" >/dev/null
cmake -S examples/verifier -B "$work/verifier" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/verifier" >/dev/null
nonce=$(openssl rand -hex 64)
"$work/evidence-example/evidence" "$nonce" >"$work/evidence" || fail "there is no evidence"
mrctl collateral -o "$work/collateral" --root "$work/root.pem"
digest_of() { printf '%s' "$1" | openssl dgst -sha384 -r | cut -d ' ' -f 1; }
# reference FORBIDDEN: reference values by which "text" must have been measured, and that text must not.
reference() {
    printf '{"format":"mrd-reference-values","version":1,"requiredEvents":[{"name":"the text","eventDigest":"%s"}],"forbiddenEvents":[{"name":"that text","eventDigest":"%s"}]}' \
        "$(digest_of text)" "$(digest_of "$1")" >"$work/reference"
}
reference "never measured"
"$work/verifier/verifier" "$nonce" "$work/reference" "$work/root.pem" <"$work/evidence" | grep -qx trusted || fail "the verifier does not trust good evidence"
read -r -a flags <<<"$(pkg-config --static --cflags --libs mr-verify)"
"${CXX:-c++}" -std=c++23 examples/verifier/verifier.cpp "${flags[@]}" -o "$work/verifier_pc"
"$work/verifier_pc" "$nonce" "$work/reference" "$work/root.pem" <"$work/evidence" | grep -qx trusted || fail "the verifier of pkg-config does not trust good evidence"
if "$work/verifier/verifier" "$nonce" "$work/reference" <"$work/evidence" >"$work/out"; then fail "the verifier trusts the simulator's root without being told to"; fi
grep -q '^certificate_chain is false' "$work/out" || fail "the verifier does not say why: $(cat "$work/out")"
reference "what I run"
if "$work/verifier/verifier" "$nonce" "$work/reference" "$work/root.pem" <"$work/evidence" >"$work/out"; then fail "a forbidden event is let pass"; fi
grep -q '^forbidden_events is false' "$work/out" || fail "the verifier does not name the forbidden event: $(cat "$work/out")"

echo "-- release"
cmake -S examples/release -B "$work/release" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/release" >/dev/null
reference "never measured"
printf 'open sesame' >"$work/secret"
mkfifo "$work/to_broker" "$work/from_broker"
"$work/release/broker" "$work/reference" "$work/secret" "$(id -u)" 2 "$work/root.pem" <"$work/to_broker" >"$work/from_broker" &
exec 7>"$work/to_broker" 8<"$work/from_broker"
# say WORD...: one line to the broker, and its answer.
say() {
    printf '%s\n' "$*" >&7
    read -r answer <&8
    printf '%s\n' "$answer"
}
# What leads to the broker that runs.
# shellcheck disable=SC2016 # for the relay
printf '#!/bin/bash\nwhile read -r line; do printf "%%s\\n" "$line" >&7; read -r answer <&8; printf "%%s\\n" "$answer"; done\n' >"$work/relay"
chmod 755 "$work/relay"
released() { TOKEN_FILE="$work/token" examples/release/machine.sh "$work/relay"; }
[ "$(released)" = "open sesame" ] || fail "the machine does not get the secret"
[[ $(say check "$(cat "$work/token")") == "good "* ]] || fail "a token that was just given is not good"
[[ $(say check "9$(cat "$work/token")") == "refused the token is none"* ]] || fail "a token with another end is good"
for _ in $(seq 300); do
    if [[ $(say check "$(cat "$work/token")") == "refused the token has ended"* ]]; then break; fi
    sleep 0.1
done
[[ $(say check "$(cat "$work/token")") == "refused the token has ended"* ]] || fail "a token does not end"
released >/dev/null
[[ $(say check "$(cat "$work/token")") == "good "* ]] || fail "a token is not renewed"
# Another's key beside this machine's evidence; evidence that binds nothing; a nonce twice.
for name in machine thief; do
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 2>/dev/null | openssl pkey -pubout -out "$work/$name.pem"
done
nonce=$(say nonce | cut -d ' ' -f 2)
mrctl evidence --bind-key "$work/machine.pem" --nonce "$nonce" -o "$work/bound" 2>/dev/null
[ "$(say release "$nonce" "$(base64 -w 0 "$work/thief.pem")" "$(base64 -w 0 "$work/bound")")" = "refused these do not hold: report_data bound_key" ] || fail "a relayed quote is good for another's key"
[[ $(say release "$nonce" "$(base64 -w 0 "$work/machine.pem")" "$(base64 -w 0 "$work/bound")") == "refused the nonce "* ]] || fail "a nonce is good twice"
nonce=$(say nonce | cut -d ' ' -f 2)
mrctl evidence --data "$nonce" -o "$work/unbound" 2>/dev/null
[ "$(say release "$nonce" "$(base64 -w 0 "$work/machine.pem")" "$(base64 -w 0 "$work/unbound")")" = "refused these do not hold: report_data bound_key" ] || fail "evidence that binds nothing is good"
# What is no end of a line takes no more memory than the longest one, and the next line is answered.
(ulimit -v 300000 && { head -c 140000000 /dev/zero | tr '\0' a; printf '\nnonce\n'; } |
    "$work/release/broker" "$work/reference" "$work/secret" "$(id -u)" 2 "$work/root.pem" >"$work/out") || fail "a long line ends the broker"
[[ $(cat "$work/out") == "refused the line is too long"$'\n'"nonce "* ]] || fail "a long line is not refused: $(cat "$work/out")"
# The machine does something that it must not: no renewal.
printf 'never measured' | mrctl measure tdx/rtmr1 - >/dev/null
if released >"$work/out" 2>"$work/said"; then fail "a machine whose verdict does not hold gets the secret"; fi
grep -q 'these do not hold: forbidden_events$' "$work/said" || fail "the broker does not say why: $(cat "$work/said")"
exec 7>&- 8<&-
end
