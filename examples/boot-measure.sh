#!/bin/sh
# Measures what a boot script measures (the kernel command line, a folder of configuration files, a binary) into one register, and shows
# with openssl alone that the register holds what it must: register = SHA-384(register || SHA-384(file)), file after file.
#
# Usage: boot-measure.sh [REGISTER [FOLDER [BINARY]]]      defaults: tdx/rtmr3, /etc/default, /bin/sh
# Needs mrctl and openssl on the PATH; mrd's socket in MRD_SOCKET if it is not the default.
set -eu

register=${1:-tdx/rtmr3}
folder=${2:-/etc/default}
binary=${3:-/bin/sh}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# read_register: the value alone.
read_register() { mrctl read "$register" | cut -d ' ' -f 2; }

# extend_expected FILE: the same step without mrd. $work/value holds the expected register's bytes.
extend_expected() {
    openssl dgst -sha384 -binary "$1" >"$work/digest"
    cat "$work/value" "$work/digest" | openssl dgst -sha384 -binary >"$work/next"
    mv "$work/next" "$work/value"
}

# measure_file FILE [DESCRIPTION]
measure_file() {
    mrctl measure "$register" "$1" --description "${2:-$1}" >/dev/null
    extend_expected "$1"
    echo "measured ${2:-$1}"
}

mrctl read "$register" --raw >"$work/value"
echo "before   $(read_register)"

# /proc files are read once: what is measured is what is kept.
cat /proc/cmdline >"$work/cmdline"
measure_file "$work/cmdline" "kernel command line"

# In a fixed order: the register depends on it.
find "$folder" -type f >"$work/found"
LC_ALL=C sort "$work/found" >"$work/files"
while IFS= read -r file; do
    measure_file "$file"
done <"$work/files"

measure_file "$binary"

expected=$(od -An -v -tx1 "$work/value" | tr -d ' \n')
after=$(read_register)
echo "after    $after"
echo "expected $expected (openssl)"
[ "$after" = "$expected" ] || { echo "boot-measure: the register is not what openssl computes" >&2; exit 1; }
echo "equal"
