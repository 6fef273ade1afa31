# Stages that run one after the other, and what became of each. For tools/check and tools/nightly, with pipefail.
# shellcheck shell=bash

# skippable COMMAND...: as the command; where it ends with 77, as nothing could be tried, the summary has its last words after "skipped: ".
skippable() {
    local status=0 said
    said=$(mktemp)
    { "$@" 2>&1 >&3 | tee "$said" >&2; } 3>&1 || status=$?
    if [ "$status" -eq 77 ]; then
        skipped_because=$(sed -n 's/^.*skipped: //p' "$said" | tail -n 1)
        : "${skipped_because:=it does not say why}"
    fi
    rm -f "$said"
    return "$status"
}

# run_stages TOOL PREFIX STAGE...: each is the function PREFIX_STAGE. The status is 0 where none failed.
run_stages() {
    local tool=$1 prefix=$2 report='' failed=0 stage begin status verdict
    shift 2
    for stage in "$@"; do
        echo "== $stage"
        begin=$SECONDS
        status=0
        skipped_because=
        "${prefix}_$stage" || status=$?
        if [ "$status" -eq 0 ]; then
            verdict=passed
        elif [ "$status" -eq 77 ] && [ -n "$skipped_because" ]; then
            verdict="SKIPPED ($skipped_because)"
        else
            verdict=FAILED
            failed=1
        fi
        report+=$(printf '%-12s %5d s  %s' "$stage" $((SECONDS - begin)) "$verdict")$'\n'
    done
    printf '== %s\n%s' "$tool" "$report"
    return "$failed"
}
