"""Python's garbage collector, set for a server: what it has loaded is never garbage, and looked at no more."""

import gc
from typing import Final

_YOUNG: Final = 10_000
"""So many new objects are waited for before the young ones are looked through; Python's own number is 700."""


def settle() -> None:
    """Leave all that is loaded out of later collections; called once, when a server is about to answer.

    With hundreds of thousands of objects from modules, a collection in the middle of a request costs more than the
    request. See `gc.freeze` in Python's documentation.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG)
