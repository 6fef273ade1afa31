#!/bin/bash
# What a machine does to get a secret from the broker: a key of its own for this one time, evidence that binds it, and the secret that only this key opens.
# Usage: examples/release/machine.sh BROKER ARGUMENT...    starts the broker, or what leads to it: ssh relying-party broker
# Prints the secret; the token is in $TOKEN_FILE, if that is set.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
coproc broker { "$@"; }
exec 3>&"${broker[1]}" 4<&"${broker[0]}"  # those of a coprocess are not there in subshells
# ask WORD...: one line there, and its answer without the first word, which has to be the one expected.
ask() {
    local expected=$1 answer
    shift
    printf '%s\n' "$*" >&3
    read -r answer <&4
    [ "${answer%% *}" = "$expected" ] || { echo "machine: $answer" >&2; exit 1; }
    printf '%s' "${answer#* }"
}

nonce=$(ask nonce nonce)
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out "$folder/key.pem" 2>/dev/null
openssl pkey -in "$folder/key.pem" -pubout -out "$folder/public.pem"
mrctl evidence --bind-key "$folder/public.pem" --nonce "$nonce" -o "$folder/evidence" 2>/dev/null
ask released release "$nonce" "$(base64 -w 0 "$folder/public.pem")" "$(base64 -w 0 "$folder/evidence")" | base64 -d >"$folder/sealed"
openssl pkeyutl -decrypt -inkey "$folder/key.pem" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in "$folder/sealed" -out "$folder/opened"
[ -z "${TOKEN_FILE-}" ] || head -n 1 "$folder/opened" >"$TOKEN_FILE"
tail -n +2 "$folder/opened"
