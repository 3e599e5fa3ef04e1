# Completion of crdtctl in fish: put this file, as "crdtctl.fish", into ~/.config/fish/completions

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
