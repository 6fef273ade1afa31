#!/bin/sh
# What programs do with mrfs's files comes to what is recorded of the kernel's own, but for what docs/mrfs.md says.
# Usage: tests/kernel_files.sh BUILD_DIR [FILE]
#
# FILE gets what came of each action on a mount of one user's own; on one for all users they are compared, too. Exits 77 where no file system can be mounted.
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
for mount in own everyone; do
    told=$folder/$mount
    mkdir "$told"
    everyone=
    [ $mount = own ] || everyone=everyone
    # shellcheck disable=SC2086 # none, or one word
    "$source/tests/kernel_files/over_mrd" "$build/mrd/mrd" "$build/mrfs/mrfs" "$told" $everyone >"$told/told" 2>"$told/said" || fail "the actions did not run on the $mount mount" "$told/said"
    # shellcheck disable=SC2086 # none, or one word
    "$source/tests/kernel_files/compare" "$source/tests/kernel_files/linux" "$told/told" "$source/docs/mrfs.md" $everyone >"$told/differs" ||
        fail "mrfs ($mount mount) is not as the kernel, or not as docs/mrfs.md has it" "$told/differs"
done
[ -z "${2:-}" ] || cat "$folder/own/told" >"$2"
end
