"""The verbs of the command line, one module each: arguments in, one call, words out."""
