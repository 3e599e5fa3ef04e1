# Completion of crdtctl in bash: source this file, or put it, as "crdtctl", into a directory
# that bash-completion looks into: ~/.local/share/bash-completion/completions

_crdtctl() {
    local line kind="" program=${1/#~\//$HOME/}
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("$line"); fi
    done < <(
        _CRDTCTL_COMPLETE=bash _CRDTCTL_BREAKS="$COMP_WORDBREAKS" "$program" "${COMP_LINE:0:COMP_POINT}" 2>/dev/null
    )
    case $kind in
        files) compopt -o default 2>/dev/null ;;
        open) compopt -o nospace 2>/dev/null ;;
    esac
}

complete -F _crdtctl crdtctl
