"""A server's garbage collector, tried in a process of its own: it is set for the whole of it."""

import subprocess
import sys

_SETTLED = """
import gc
from runtime import collector
collector.settle()
print(gc.isenabled(), gc.get_freeze_count() > len(gc.get_objects()))
"""


def test_what_is_loaded_is_looked_at_no_more_and_what_comes_still_is() -> None:
    said = subprocess.run([sys.executable, "-c", _SETTLED], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["True", "True"]
