# shellcheck shell=sh
# How a list runs an action, and its line; to be sourced, with $m and $c, the folders of registers and of tsm/report.
#
# A line has the action's number, its name, a tab, and what came of it: exit statuses, names of errors, counts, and what a value is; never a value. Needs root, file-action in PATH, and in
# /usr/bin the programs that the list runs.
#
# A command may use $r and $ro, a register that can be extended and one that cannot; $i, a report's folder, of its own; $d, 48 characters; $work/dataN, that many bytes; see
# file_action.cpp for the system calls.

export m c
set -a
LC_ALL=C
PATH=/usr/bin:/bin:$PATH
umask 022
t=$c/tsm/report
r=$m/rtmr3:sha384
# shellcheck disable=SC2034 # for the lists
ro=$m/mrtd:sha384
work=$(mktemp -d)
# shellcheck disable=SC2034 # for file-action
FILE_ACTION=$work
set +a
trap 'rmdir "$t"/action* 2>/dev/null; rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
# Another user reads its data.
chmod 755 "$work"
cd "$work" || exit
number=0

# ---- How an action is run, and its line

line() {
    printf '%03d %s\t%s\n' "$number" "$1" "$2"
}

# Sets $told: the status, what it printed, and the reasons that programs gave.
run() {
    status=0
    told=$(eval "$1" 2>"$work/errors" </dev/null) || status=$?
    # Of one line each.
    printed=
    while IFS= read -r each; do
        [ -z "$each" ] || printed=$printed${printed:+, }$each
    done <<END
$told
END
    reasons=
    while IFS= read -r each; do
        each=${each##*: }
        case ", $reasons," in *", $each,"*) ;; *) reasons=$reasons${reasons:+, }$each ;; esac
    done <"$work/errors"
    told="exit $status${printed:+, $printed}${reasons:+ ($reasons)}"
}

begin() {
    number=$((number + 1))
    file-action prepare "$r" >/dev/null
    read -r d <"$work/data48"
    export d
}

# plain NAME COMMAND, calls NAME OPERATION...: of neither.
plain() {
    begin
    run "$2"
    line "$1" "$told"
}
calls() {
    begin
    name=$1
    shift
    line "$name" "$(file-action "$@")"
}
# ... of the register, and how it changed.
register() {
    begin
    run "$2"
    line "$1" "$told; $(file-action change "$r")"
}
register_calls() {
    begin
    name=$1
    shift
    line "$name" "$(file-action "$@"); $(file-action change "$r")"
}
# ... of a report in a folder of its own, and what a reader finds in it afterwards.
begin_report() {
    begin
    i=$t/action$number
    export i
    mkdir "$i"
    begun_report
}
# A list's own, where its reports begin otherwise.
begun_report() { :; }
end_report() {
    line "$1" "$told; $(file-action report "$i")"
    rmdir "$i" 2>/dev/null || : # a list may have done it
}
report() {
    begin_report
    run "$2"
    end_report "$1"
}
# FOLDER in an operation stands for $i: it is not known before.
report_calls() {
    begin_report
    name=$1
    shift
    for each in "$@"; do
        shift
        case $each in FOLDER*) each=$i${each#FOLDER} ;; esac
        set -- "$@" "$each"
    done
    told=$(file-action "$@")
    end_report "$name"
}
