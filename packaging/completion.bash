# shellcheck shell=bash
# Completion of mrd, mrd-quoting-service, mrctl and mrfs for bash. Commands, options and what they take are read from the program's own --help, names of registers and providers from the
# mrd that runs. What cannot be had is not offered, and nothing is said of it.

# _mrd_help COMMAND...: reads its --help. Adds its options, with what they take, to the caller's `options`; sets the caller's `commands` and `positionals`.
_mrd_help() {
    local line section='' name takes
    commands=()
    positionals=()
    while IFS= read -r line; do
        case $line in
        Options: | Positionals: | Subcommands:) section=${line%:} ;;
        '  '[!\ ]*)
            line=${line#  }
            name=${line%%  *}
            case $section in
            Options)
                # "-o,--output FILE", "--log FILE ...", "--log-level {info,error}=info"
                takes=
                if [[ $name == *' '* ]]; then
                    takes=${name#* }
                    takes=${takes%% *}
                    [[ $takes != '{'* ]] || takes=${takes%%\}*}\}
                    name=${name%% *}
                fi
                options[${name%%,*}]=$takes
                options[${name##*,}]=$takes
                ;;
            Positionals)
                # "EVIDENCE FILE", or "FILE" alone, whose name says it; "..." goes on.
                name=${name% REQUIRED}
                takes=${name% ...}
                positionals+=("${takes##* }")
                [[ $name == "$takes" ]] || positionals+=(...)
                ;;
            Subcommands) commands+=("$name") ;;
            esac
            ;;
        esac
    done < <("$@" --help 2>/dev/null </dev/null)
}

# _mrd_offer WORD...: those that go on from what is typed. Nothing in them is expanded.
_mrd_offer() {
    local word
    for word in "$@"; do
        [[ $word != "$cur"* ]] || COMPREPLY+=("$word")
    done
}

# _mrd_values KIND: completes what is typed by what --help calls KIND.
_mrd_values() {
    local -A names=() short=()
    local -a values
    local name rest asked=$program
    # Only mrctl asks mrd.
    [[ ${program##*/} != mrfs ]] || asked=mrctl
    case $1 in
    FILE) _filedir ;;
    FOLDER) _filedir -d ;;
    '{'*)
        IFS=, read -ra values <<<"${1:1:-1}"
        _mrd_offer "${values[@]}"
        ;;
    USER)
        mapfile -t values < <(compgen -u -- "$cur")
        _mrd_offer "${values[@]}"
        ;;
    DEVICE)
        while read -r name rest; do
            [[ ! $name =~ ^[A-Za-z0-9_-]+$ ]] || names[$name]=
        done < <("$asked" ${socket:+--socket "$socket"} --timeout 1 device list 2>/dev/null </dev/null)
        _mrd_offer "${!names[@]}"
        ;;
    REGISTER | PROVIDER)
        while read -r name rest; do
            # Who answers at the socket need not be mrd.
            [[ $name =~ ^[A-Za-z0-9_./:-]+$ ]] || continue
            [[ $1 == REGISTER ]] || name=${name%%/*}
            names[$name]=
            short[${name#*/}]=
        done < <("$asked" ${socket:+--socket "$socket"} --timeout 1 list 2>/dev/null </dev/null)
        _mrd_offer "${!names[@]}"
        # Who begins with the register's own name has it completed as that.
        [[ ${#COMPREPLY[@]} -gt 0 || $1 != REGISTER ]] || _mrd_offer "${!short[@]}"
        __ltrim_colon_completions "$cur"
        ;;
    esac
}

_mrd() {
    # shellcheck disable=SC2034 # _init_completion sets all of them
    local cur prev words cword split
    _init_completion -n := || return
    local program=${words[0]/#\~/$HOME}
    local command=("$program") commands positionals socket='' word option='' takes='' given=0 i
    local -A options=()
    _mrd_help "${command[@]}"
    # What has been typed: commands lead on, an option may take the next word, and the rest are arguments.
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ $takes ]]; then
            [[ $option != --socket ]] || socket=${word/#\~/$HOME}
            takes=
        elif [[ $word == --*=* ]]; then
            [[ $word != --socket=* ]] || socket=${word#*=}
        elif [[ $word == -?* ]]; then
            option=$word
            takes=${options[$word]-}
        elif [[ " ${commands[*]} " == *" $word "* ]]; then
            command+=("$word")
            given=0
            _mrd_help "${command[@]}"
        else
            given=$((given + 1))
        fi
    done
    COMPREPLY=()
    if [[ $takes ]]; then
        _mrd_values "$takes"
    elif [[ $cur == --*=* ]]; then
        takes=${options[${cur%%=*}]-}
        cur=${cur#*=}
        _mrd_values "$takes"
    elif [[ $cur == -* ]]; then
        _mrd_offer "${!options[@]}"
    else
        local last=$((${#positionals[@]} - 1))
        if ((last >= 1 && given >= last)) && [[ ${positionals[last]} == ... ]]; then given=$((last - 1)); fi
        _mrd_values "${positionals[given]-}"
        _mrd_offer "${commands[@]}"
    fi
} && complete -F _mrd mrd mrd-quoting-service mrctl mrfs
