"""The completion scripts of the shells. They ask this program for the next words; `completing` answers."""

BASH = r"""# Completion of crdtctl in bash: source this file, or put it, as "crdtctl", into a directory
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
"""

ZSH = r"""#compdef crdtctl
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
"""

FISH = r"""# Completion of crdtctl in fish: put this file, as "crdtctl.fish", into ~/.config/fish/completions

function __crdtctl_complete
    set -l words (commandline -opc)
    set -l lines (env _CRDTCTL_COMPLETE=fish $words (commandline -ct) 2>/dev/null)
    if test (count $lines) -gt 1
        printf '%s\n' $lines[2..-1]
    end
    if test "$lines[1]" = files
        __fish_complete_path (commandline -ct)
    end
end

complete --command crdtctl --no-files --arguments '(__crdtctl_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
