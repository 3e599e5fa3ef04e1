#compdef crdtctl

_crdtctl_completion() {
  eval $(env _TYPER_COMPLETE_ARGS="${words[1,$CURRENT]}" _CRDTCTL_COMPLETE=complete_zsh crdtctl)
}

compdef _crdtctl_completion crdtctl
