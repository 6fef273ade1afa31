# shellcheck shell=bash
# What the tools that are a program of tests/tools have in common; to be sourced, in the repository's folder.

# run_built PROGRAM TARGETS [--preset PRESET] ARGUMENTS...: builds it, and what else it needs, with that preset [dev], and becomes it.
run_built() {
    local program=$1 targets=$2 preset=dev arguments=()
    shift 2
    while [ $# -gt 0 ]; do
        if [ "$1" = --preset ]; then
            [ $# -ge 2 ] || { echo "$1 needs a value" >&2; exit 2; }
            preset=$2
            shift
        else
            arguments+=("$1")
        fi
        shift
    done
    cmake --preset "$preset" >/dev/null
    # shellcheck disable=SC2086 # a list
    cmake --build "build/$preset" --target "$program" $targets
    exec "build/$preset/tests/tools/$program" "${arguments[@]}"
}
