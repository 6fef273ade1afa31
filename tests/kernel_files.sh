#!/bin/sh
# What programs do with mrfs's files comes to what is recorded of the kernel's own, but for what docs/mrfs.md says.
# Usage: tests/kernel_files.sh BUILD_DIR [FILE]
#
# FILE gets what came of each action. Exits 77 where no file system can be mounted.
set -eu

[ $# -ge 1 ] || { echo "usage: tests/kernel_files.sh BUILD_DIR [FILE]" >&2; exit 2; }
build=$(cd "$1" && pwd)
source=$(cd "$(dirname "$0")/.." && pwd)
[ "$(id -u)" -eq 0 ] || { echo "kernel_files: skipped: the actions are root's" >&2; exit 77; }
[ -w /dev/fuse ] || { echo "kernel_files: skipped: /dev/fuse cannot be opened" >&2; exit 77; }
for program in xxd hexdump mount; do
    [ -x "/usr/bin/$program" ] || { echo "kernel_files: skipped: there is no /usr/bin/$program" >&2; exit 77; }
done
[ -x "$build/mrfs/mrfs" ] || { echo "kernel_files: skipped: this build has no mrfs" >&2; exit 77; }

# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
PATH=$PATH:$build/tests/kernel_files
chmod 755 "$folder"
"$source/tests/kernel_files/over_mrd" "$build/mrd/mrd" "$build/mrfs/mrfs" "$folder" >"${2:-$folder/told}" 2>"$folder/said" || fail "the actions did not run" "$folder/said"
"$source/tests/kernel_files/compare" "$source/tests/kernel_files/linux" "${2:-$folder/told}" "$source/docs/mrfs.md" >"$folder/differs" || fail "mrfs is not as the kernel, or not as docs/mrfs.md has it" "$folder/differs"
end
