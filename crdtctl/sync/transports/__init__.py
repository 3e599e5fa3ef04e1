"""The transports, one module or package each. No transport imports another one.

What all of them share is above: `crdtctl.sync.transport` is what a transport is, `crdtctl.sync.schemes` maps the
scheme of a URL to a transport, `crdtctl.sync.process` runs other programs.
"""
