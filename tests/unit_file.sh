#!/bin/sh
# Checks that systemd understands every line of the service's unit file.
# Usage: tests/unit_file.sh
#
# Exits 77 where there is no systemd-analyze.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
command -v systemd-analyze >/dev/null || { echo "unit_file: there is no systemd-analyze here" >&2; exit 77; }

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

# mrd itself need not be installed.
sed 's|^ExecStart=/usr/sbin/mrd$|ExecStart=/bin/true|' "$source/packaging/mrd.service" >"$folder/mrd.service"
systemd-analyze verify "$folder/mrd.service" >"$folder/said" 2>&1 || { cat "$folder/said" >&2; exit 1; }
# An unknown key is only warned of.
if grep -F mrd.service "$folder/said" >&2; then exit 1; fi

sed -i 's/^\[Install\]$/NoSuchKey=yes\n[Install]/' "$folder/mrd.service"
systemd-analyze verify "$folder/mrd.service" 2>&1 | grep -q NoSuchKey || { echo "unit_file: a wrong key goes unnoticed" >&2; exit 1; }
