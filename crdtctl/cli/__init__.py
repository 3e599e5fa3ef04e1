"""The common part of the commands: the process, the command line, options, output, progress and signals."""
