"""The manual: one Markdown file a topic, shown by ``crdtctl help TOPIC`` and made into man pages.

A topic begins with ``# name: summary``. Below it, the subset of Markdown in `crdtctl.help.blocks` is allowed. Every
console block is run by the tests, which compare the output.

Modules
-------
``topics``         the list of topics, and the text of each
``blocks``         Markdown → blocks
``page``           blocks → lines of text, for a terminal or a pipe
``pager``          lines → the user's pager
``specification``  the docstring of the codec → Markdown
``man``            blocks and commands → man pages
"""
