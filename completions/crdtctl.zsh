#compdef crdtctl
# Completion of crdtctl in zsh: put this file, as "_crdtctl", into a directory of $fpath, or source it after compinit.

_crdtctl() {
    local -a lines
    local kind
    lines=("${(@f)$(_CRDTCTL_COMPLETE=zsh "${(Q)words[1]}" "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    kind=$lines[1]
    shift lines
    (( $#lines )) && _describe -t words 'crdtctl' lines
    [[ $kind == files ]] && _files
    return 0
}

if [[ $funcstack[1] == _crdtctl ]]; then
    _crdtctl "$@"
else
    compdef _crdtctl crdtctl
fi
