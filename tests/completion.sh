#!/bin/bash
# Completion of mrctl, mrd and mrd-quoting-service, by bash's own functions, with an mrd on the simulator and without one.
# Usage: tests/completion.sh BUILD_FOLDER
#
# Exits 77 where bash-completion is not installed.
set -euo pipefail

build=$(realpath "${1:?usage: tests/completion.sh BUILD_FOLDER}")
source=$(cd "$(dirname "$0")/.." && pwd)
library=/usr/share/bash-completion/bash_completion
[ -f "$library" ] || { echo "completion: there is no bash-completion here" >&2; exit 77; }
# shellcheck source=tests/shell.sh
. "$source/tests/shell.sh"

export PATH="$build/mrctl:$build/mrd:$build/mrfs:$PATH" MRD_SOCKET="$folder/io.mrd"
mkdir "$folder/here"
touch "$folder/here/a-file" "$folder/here/a file with blanks"

# complete_line LINE: sets $found to what bash is given for it, sorted and on one line. The cursor is at its end. What the functions say on standard error is a failure.
# shellcheck disable=SC2016 # for the inner shell
complete_line() {
    (cd "$folder/here" && bash --norc -c '
        . "$1"
        . "$2"
        COMP_LINE=$3
        COMP_POINT=${#COMP_LINE}
        COMP_TYPE=9
        COMP_KEY=9
        # As readline cuts it: at blanks, and at = and : which are words.
        read -ra COMP_WORDS <<<"$(sed "s/[=:]/ & /g" <<<"$COMP_LINE")"
        [[ $COMP_LINE != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        function=$(complete -p "${COMP_WORDS[0]}")
        function=${function#*-F }
        COMPREPLY=()
        "${function%% *}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]-}"
        printf "%s\n" "${COMPREPLY[@]}" | sort | paste -sd " "' bash "$library" "$source/packaging/completion.bash" "$1" >"$folder/found" 2>"$folder/said")
    found=$(cat "$folder/found")
    [ ! -s "$folder/said" ] || fail "\"$1\" is not completed in silence" "$folder/said"
}

# offers LINE WORDS: exactly these
offers() {
    complete_line "$1"
    [ "$found" = "$2" ] || fail "\"$1\" is completed by \"$found\" in the place of \"$2\""
}

# has LINE WORD...: among others
has() {
    local line=$1 word
    shift
    complete_line "$line"
    for word; do [[ " $found " == *" $word "* ]] || fail "\"$line\" is completed by \"$found\", without \"$word\""; done
}

# options PROGRAM [COMMAND]: as its help has them
options() {
    "$@" --help | sed -nE 's/^  (-[^ ]*).*/\1/p' | tr ',' ' '
}

# What the program itself says is the measure, not a list here.
commands=$(mrctl --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z-]*\) .*/\1/p' | sort | paste -sd ' ')
[ "$(wc -w <<<"$commands")" -gt 10 ] || fail "mrctl --help names too few commands"
offers "mrctl " "$commands"
offers "mrctl ev" evidence
for command in "" $commands "collateral assemble" "device list" "device show" "device evidence" "device verify" "device verify-interface" "device accept"; do
    # shellcheck disable=SC2046,SC2086 # two words, and options
    has "mrctl ${command:+$command }-" $(options mrctl $command)
done
# shellcheck disable=SC2046 # options
for program in mrd mrd-quoting-service; do has "$program -" $(options "$program"); done
# Those of every command are known behind one, too, and so is what they take.
has "mrctl read --s" --socket
offers "mrctl --socket a-" a-file
offers "mrctl measure --timeout 5 tdx/rtmr3 a-" a-file
has "mrctl measure tdx/rtmr3 a" "a file with blanks"
offers "mrctl log --format cel" cel_json
offers "mrctl log --format=tcg_" tcg_index0
offers "mrctl replay --registers " "pcr rtmr"
offers "mrctl collateral " assemble
offers "mrctl collateral assemble --quote x a-" a-file
offers "mrctl device " "accept evidence list show verify verify-interface"
offers "mrctl device verify-interface a-" a-file
offers "mrctl device verify-interface x --policy a-" a-file
offers "mrctl device verify-interface x --state CONFIG_" "CONFIG_LOCKED CONFIG_UNLOCKED"
offers "mrctl device evidence spdm0 --nonce 00 -o a-" a-file
offers "mrctl verify a-" a-file
offers "mrd --log-level w" warning
offers "mrd-quoting-service --format tdx_v5_td15" tdx_v5_td15
offers "mrctl log-level " "debug error info warning"
has "mrctl access ro" root
mkdir "$folder/here/a-folder"
offers "mrd --state a-" a-folder
offers "mrctl extend --digest " ""
if [ -x "$build/mrfs/mrfs" ]; then
    # shellcheck disable=SC2046 # options
    has "mrfs -" $(options mrfs)
    offers "mrfs a-" a-folder
fi
offers "mrctl no-such-command " "$commands"

# Without an mrd there are no names, and nobody waits for them or hears of it.
offers "mrctl read " ""
offers "mrctl quote --provider " ""

mrd --sim --socket "$MRD_SOCKET" --state "$folder/state" --log-level error &
process=$!
listens "$MRD_SOCKET" || { fail "mrd does not start"; end; }
registers=$(mrctl list | cut -d ' ' -f 1 | sort | paste -sd ' ')
[[ $registers == *tdx/rtmr3* ]] || fail "mrctl list has no tdx/rtmr3"
offers "mrctl read " "$registers"
offers "mrctl read tdx/rtmr3 tdx/rtmr" "tdx/rtmr0 tdx/rtmr1 tdx/rtmr2 tdx/rtmr3"
offers "mrctl --json extend --digest 00 --id x tdx/mrt" tdx/mrtd
offers "mrctl write tdx/reportda" tdx/reportdata
offers "mrctl read rtmr" "rtmr0 rtmr1 rtmr2 rtmr3"
offers "mrctl quote --provider rt" ""
offers "mrctl quote --provider " tdx
offers "mrctl read tdx/rtmr3:" ""
[ ! -x "$build/mrfs/mrfs" ] || offers "mrfs --provider " tdx
# The mrd that the command line names.
MRD_SOCKET=/nonexistent offers "mrctl read " ""
MRD_SOCKET=/nonexistent offers "mrctl --socket $folder/io.mrd cap tdx/rtmr3" tdx/rtmr3
MRD_SOCKET=/nonexistent offers "mrctl cap --socket=$folder/io.mrd tdx/rtmr3" tdx/rtmr3

# Who answers at the socket need not be mrd: no name is run, nor offered with what a shell would run.
mkdir "$folder/bin"
# shellcheck disable=SC2016 # for the impostor
printf '#!/bin/sh\ncase "$*" in *--help) exec %s "$@" ;; esac\necho %s R sha384\necho tdx/good R sha384\n' "$build/mrctl/mrctl" "'tdx/\$(touch\${IFS}$folder/ran)'" >"$folder/bin/mrctl"
chmod 755 "$folder/bin/mrctl"
PATH=$folder/bin:$PATH offers "mrctl read " tdx/good
[ ! -e "$folder/ran" ] || fail "a register's name was run"
end
