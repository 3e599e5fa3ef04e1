"""The hook that makes the man pages when a wheel is built, also an editable one."""

import os
import subprocess
import sys
import tempfile

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManPages(BuildHookInterface):
    """Adds the pages to the shared data of the wheel: share/man, where man looks for them."""

    def initialize(self, version, build_data):  # noqa: ARG002  # the signature is the base class's
        """Write the pages into a temporary directory, so that the source tree stays as it is."""
        self.pages = tempfile.TemporaryDirectory(prefix="crdtctl-man-")
        program = [sys.executable, "-B", "-m", "crdtctl.help.man", self.pages.name]
        done = subprocess.run(program, cwd=self.root, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:  # a build without isolation and without the dependencies: the program itself is complete
            self.app.display_warning(f"the wheel has no man pages: {done.stderr.strip().splitlines()[-1]}")
            return
        for directory, _, names in os.walk(self.pages.name):
            for name in names:
                path = os.path.join(directory, name)
                build_data["shared_data"][path] = f"share/man/{os.path.relpath(path, self.pages.name)}"

    def finalize(self, version, build_data, artifact_path):  # noqa: ARG002  # the same
        """Remove the directory."""
        self.pages.cleanup()
