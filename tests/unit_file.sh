#!/bin/sh
# Checks that systemd understands every line of the unit files, and that the service's keeps the service from as much as docs/security.md says.
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
cp "$source/packaging/mrd.socket" "$folder/"
sed 's|^ExecStart=/usr/sbin/mrfs .*$|ExecStart=/bin/true|' "$source/packaging/mrfs.service" >"$folder/mrfs.service"
awk '/^# .*\/mrd-metrics\.socket$/, /^```$/' "$source/docs/operation.md" | grep -v '^```$' >"$folder/mrd-metrics.socket"
grep -qx 'FileDescriptorName=metrics' "$folder/mrd-metrics.socket" || { echo "unit_file: docs/operation.md has no mrd-metrics.socket" >&2; exit 1; }
systemd-analyze --man=no verify "$folder/mrd.service" "$folder/mrd.socket" "$folder/mrd-metrics.socket" "$folder/mrfs.service" >"$folder/said" 2>&1 || { cat "$folder/said" >&2; exit 1; }
# An unknown key is only warned of.
if grep -E 'mr(d|d-metrics|fs)\.(service|socket)' "$folder/said" >&2; then exit 1; fi

path=$(sed -n 's/^path = "\(.*\)"$/\1/p' "$source/packaging/mrd.toml")
grep -qx "ListenStream=$path" "$source/packaging/mrd.socket" || { echo "unit_file: mrd.socket does not listen at $path, as mrd does by default" >&2; exit 1; }

# What has no default dependencies would otherwise be killed at the very end, behind the unmounting of the file systems.
for unit in mrd.service mrd.socket mrd-metrics.socket; do
    grep -qx 'DefaultDependencies=no' "$folder/$unit" || continue
    if ! grep -qx 'Conflicts=shutdown.target' "$folder/$unit" || ! grep -qE '^Before=(.* )?shutdown.target$' "$folder/$unit"; then
        echo "unit_file: $unit does not end before a shutdown" >&2
        exit 1
    fi
done

sed -i 's/^\[Install\]$/NoSuchKey=yes\n[Install]/' "$folder/mrd.service"
systemd-analyze --man=no verify "$folder/mrd.service" 2>&1 | grep -q NoSuchKey || { echo "unit_file: a wrong key goes unnoticed" >&2; exit 1; }

# Of 10; times ten. What stays open has its reason in the unit.
most=10
systemd-analyze security --offline=yes --threshold=$most "$source/packaging/mrd.service" >"$folder/exposure" 2>&1 || { grep '✗\|→' "$folder/exposure" >&2; exit 1; }
grep -v '^ProtectSystem=\|^ProtectHome=\|^PrivateNetwork=' "$source/packaging/mrd.service" >"$folder/wider.service"
if systemd-analyze security --offline=yes --threshold=$most "$folder/wider.service" >/dev/null 2>&1; then echo "unit_file: a unit that keeps less goes unnoticed" >&2; exit 1; fi

# With a mount namespace of its own nobody would see what it mounts.
if grep -nE '^(Protect|Private|ReadOnlyPaths|ReadWritePaths|Inaccessible|Bind|TemporaryFileSystem|RootDirectory|MountFlags|DynamicUser)' "$source/packaging/mrfs.service" >&2; then
    echo "unit_file: mrfs.service would mount where nobody sees it" >&2
    exit 1
fi
