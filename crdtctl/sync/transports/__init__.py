"""The transports, one module or package each. No transport imports another one.

All of them use `crdtctl.sync.transport`, the interface of a transport. `crdtctl.sync.schemes` maps the schemes of URLs
to transports, and `crdtctl.sync.process` runs other programs.
"""
