#!/bin/bash
# The manual pages have every command, option, key and method that there is, and no mistake that mandoc finds.
# Usage: tests/man_pages.sh BUILD_FOLDER
#
# Exits 77 where there is no mandoc.
set -euo pipefail

build=$(realpath "${1:?usage: tests/man_pages.sh BUILD_FOLDER}")
source=$(cd "$(dirname "$0")/.." && pwd)
command -v mandoc >/dev/null || { echo "man_pages: there is no mandoc here" >&2; exit 77; }
# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"
pages=$build/packaging

# shown PAGE: as it is read, without the typewriter's bold and with one blank between words.
shown() {
    mandoc -T ascii -O width=1000 "$pages/$1" | sed 's/.\x08//g' | tr -s ' '
}

declare -A text

# has PAGE TEXT
has() {
    [ -n "${text[$1]-}" ] || text[$1]=$(cat "$folder/$1")
    [[ ${text[$1]} == *"$2"* ]] || fail "$1 has no \"$2\""
}

interfaces=()
for file in "$source"/proto/interfaces/io.mrd.*.varlink; do interfaces+=("$(basename "$file" .varlink).7"); done
optional=()
[ ! -e "$pages/mrfs.8" ] || optional=(mrfs.8)
for page in "${optional[@]}" mrd.8 mrd-quoting-service.8 mrctl.1 mrd.toml.5 mrd-evidence.5 mrd-reference-values.5 mrd-verdict.5 libmr.3 "${interfaces[@]}"; do
    mandoc -T lint -W warning "$pages/$page" >"$folder/said" 2>&1 || fail "$page has mistakes" "$folder/said"
    # What is typed has minus signs, not hyphens: it can be copied, and searched for.
    if grep -E '(^|[^\\])--' "$pages/$page" >"$folder/said"; then fail "$page has a hyphen where it means a minus sign" "$folder/said"; fi
    shown "$page" >"$folder/$page"
    # shellcheck disable=SC2016 # a name that was not replaced
    if grep -F '${' "$folder/$page" >"$folder/said"; then fail "$page has a name without a value" "$folder/said"; fi
done

# entries PAGE PROGRAM COMMAND...: its options with what is said of them, and those of its commands.
entries() {
    local page=$1 help command
    shift
    help=$("$@" --help)
    while IFS= read -r option; do has "$page" "$option"; done < <(grep -oE -- '^  -[^ ]*' <<<"$help" | grep -v -- '-h,' | sed 's/^  //; s/,/, /')
    # Each description as it is; the longest of a few words.
    while IFS= read -r said; do has "$page" "$(tr -d '`' <<<"$said")"; done < <(sed -nE 's/^  -.{25} +([^ ].*)/\1/p' <<<"$help" | grep -v 'help message')
    for command in $(sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' <<<"$help"); do
        has "$page" "${*##*/} $command"
        entries "$page" "$@" "$command"
    done
}
PATH=$build/mrd:$build/mrctl:$build/mrfs:$PATH
entries mrd.8 mrd
[ ${#optional[@]} -eq 0 ] || { entries mrfs.8 mrfs; has mrfs.8 ETIMEDOUT; has mrfs.8 "measurements/NAME:HASH"; }
entries mrd-quoting-service.8 mrd-quoting-service
entries mrctl.1 mrctl
[ "$(grep -c '^ mrctl ' "$folder/mrctl.1")" -gt 15 ] || fail "mrctl.1 has too few commands"

while IFS= read -r key; do has mrd.toml.5 "$key"; done < <(sed -nE 's/^(# )?(\[+[a-z_]+\]+|[a-z_]+ = .*)$/\2/p' "$source/packaging/mrd.toml" | grep -vx '\[[a-z]*\]')
while IFS= read -r word; do has mrd.toml.5 "$word"; done < <(grep '^#' "$source/packaging/mrd.toml" | grep -oE '[A-Za-z_]{3,}' | sort -u)

has mrd.toml.5 'user = "mrd" (not set by default)'
has mrd.toml.5 'confinement = "best-effort"'
has mrd.8 RTMIN+22
has mrctl.1 'log-level [OPTIONS] [LEVEL]'
has mrctl.1 'LEVEL {debug,info,warning,error}'

for file in "$source"/proto/interfaces/io.mrd.*.varlink; do
    page=$(basename "$file" .varlink).7
    while IFS= read -r line; do has "$page" "$(sed 's/^ *//' <<<"$line")"; done < <(grep -E '^(type|method|error|  |\))' "$file")
    while IFS= read -r word; do has "$page" "$word"; done < <(grep '^#' "$file" | grep -oE '[A-Za-z_]{3,}' | sort -u)
done

# names FILE SECTION: what the first column of the tables in that section names.
names() {
    sed -n "/^## $2\$/,/^## /p" "$source/docs/$1" | sed -nE 's/^\| (`[^|]*) \|.*/\1/p' | grep -oE '`[A-Za-z_]+`' | tr -d '`' | sort -u
}
# table PAGE FILE SECTION LEAST
table() {
    local name count=0
    while IFS= read -r name; do
        has "$1" "$name"
        count=$((count + 1))
    done < <(names "$2" "$3")
    [ "$count" -ge "$4" ] || fail "docs/$2 has only $count names in \"$3\""
}
table mrd-reference-values.5 verification.md 'Reference values' 30
table mrd-verdict.5 verification.md 'The statements, and what each rests on' 30
has mrd-verdict.5 registersLeftOut
has mrd-verdict.5 'Required: yes'
has mrd-reference-values.5 'TDs (tdx): ppids'
has mrd-reference-values.5 'Closed registers'
while IFS= read -r name; do has mrd-evidence.5 "$name"; done < <(sed -nE 's/^\| `([A-Za-z]+)` \|.*/\1/p' "$source/docs/evidence-format.md")
has mrd-evidence.5 '"format":"mrd-evidence","version":2'

for file in "$source"/libmr/include/mr/*.h; do has libmr.3 "mr/$(basename "$file")"; done
has libmr.3 "client->measure("
# What the pages are made of can be missing: that is an error, not an empty page.
printf '@table docs/operation.md no such head\n' >"$folder/template"
if "$source/packaging/man/make-page" "$folder/template" "$folder/page" 0 >/dev/null 2>&1; then fail "a table that is not there is no error"; fi
printf '@section docs/verification.md no-such-section\n' >"$folder/template"
if "$source/packaging/man/make-page" "$folder/template" "$folder/page" 0 >/dev/null 2>&1; then fail "a section that is not there is no error"; fi
printf '@options /bin/false\n' >"$folder/template"
if "$source/packaging/man/make-page" "$folder/template" "$folder/page" 0 >/dev/null 2>&1; then fail "a program that says nothing is no error"; fi
end
