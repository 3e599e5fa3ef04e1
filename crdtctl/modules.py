"""The place of the pack (`crdtctl.pack`): the compiled form of this module would have the name of the pack.

So an installer that removes this module with its compiled form removes the pack. The module itself is never imported.
"""
