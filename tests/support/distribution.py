"""Which process runs which test, where pytest-xdist runs several."""

import re

from xdist.scheduler import LoadScopeScheduling

from symcell import cells


class ByCell(LoadScopeScheduling):
    """Give all tests of a catalogue cell, of whatever file, to one process: its module is emitted, its kernels are compiled and
    its JAX reference is computed once a run. Other tests go by their file, whose kernels they share."""

    names = frozenset(cells.names())

    def __init__(self, config, log=None):
        config.option.loadscopereorder = False  # the number of tests says nothing of the time that they take
        super().__init__(config, log)

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        parameters = re.split(r"[-\[\]]", test)[1:]
        return next((p for p in parameters if p in self.names), file)
