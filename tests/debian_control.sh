#!/bin/sh
# The Debian package asks for what scripts/packages.txt has, in both directions, and its libraries' names are their sonames'.
# Usage: tests/debian_control.sh
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
control=$source/packaging/debian/control

sed -n '/^Build-Depends:/,/^$/s/^ \([a-z0-9.+-]*\).*/\1/p' "$control" | grep -v '^debhelper-compat$\|^dh-sequence-' | sort >"$folder/asked"
sed -n 's/^\(build\|package\) \([^ ]*\).*/\2/p' "$source/scripts/packages.txt" | sort -u >"$folder/listed"
[ -s "$folder/asked" ] || fail "control asks for nothing"
comm -23 "$folder/asked" "$folder/listed" >"$folder/more"
[ ! -s "$folder/more" ] || fail "scripts/packages.txt has not, in build or package, what control asks for" "$folder/more"
# What a build without the distribution's own tools needs besides, and what it is checked with.
sed -n 's/^build \([^ ]*\).*/\1/p' "$source/scripts/packages.txt" | grep -vx 'g++\|ccache\|ca-certificates' | sort | comm -13 "$folder/asked" - >"$folder/more"
[ ! -s "$folder/more" ] || fail "control does not ask for what scripts/packages.txt has in build" "$folder/more"

abi=$(sed -n 's/^set(abi \([0-9]*\))$/\1/p' "$source/libmr/shared.cmake")
for package in "libmr$abi" "libmr-verify$abi"; do
    grep -qx "Package: $package" "$control" || fail "there is no package $package for the binary interface $abi"
done
end
