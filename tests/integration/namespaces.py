"""Tests that change what all of a machine shares (mounts, names, networks) do so in namespaces of their own."""

import os
import subprocess
import sys
import unittest

_WITHIN = "TROUPE_IN_NAMESPACES"


def main(script: str = "", *, network: bool = False) -> None:
    """Runs the tests of the file that calls this, again where mounts, and if wanted the network, are its own, after
    `script` of the shell has changed them. Where that cannot be, it says skipped, and ends with 77."""
    if os.environ.get(_WITHIN):
        unittest.main()
    words = ["unshare", "--mount", "--propagation", "private", *(["--net"] if network else []),
             "sh", "-c", f'{{ {script or ":"}; }} || exit 77; exec "$@"', "sh", sys.executable, *sys.argv]
    code = 77
    if os.geteuid() == 0:
        try:
            code = subprocess.run(words, env={**os.environ, _WITHIN: "1"}, check=False).returncode
        except OSError:
            code = 77
    if code == 77:
        print("skipped: no namespaces can be made here (root, `unshare`)")
    sys.exit(code)
