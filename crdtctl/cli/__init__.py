"""What the commands share: the command line of the process, options, words, output, progress and signals."""
