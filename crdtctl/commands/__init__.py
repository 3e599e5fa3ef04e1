"""Arguments in, one call, words out: one module a verb, and the only place with typer, rich and a catch.

``main``       runs one command line and turns whatever happens into words and an exit status
``app``        the program's tree of verbs; a verb's module is imported when it is used
``verb``       what the modules of the verbs share: their session, their options, their help
``amounts``    words on the command line → whole numbers
``batches``    lines of a file → what to do
``states``     words on the command line → state files and clocks
``workflow``   lines that a runner of CI jobs would take for commands to itself
``output``     data → table, tab-separated lines, JSON, …; standard output
"""
