"""Calls that use threads for the smallest tasks."""

from contextlib import contextmanager
from unittest.mock import patch

from symcell.runtime import threads

_WORTH = ("_WORTHWHILE", "_WORTH_A_BARRIER", "_WORTH_A_TEAM", "_WORTH_PACKING")


@contextmanager
def threads_for_everything(count=3):
    """So many threads, for tasks of any size, in blocks of few steps."""
    worth = dict.fromkeys(_WORTH, 1) | {"_ROWS_IN_CACHE": 15}
    with patch.multiple(threads, **worth), patch.object(threads.config, "NUMBA_NUM_THREADS", count):
        yield
