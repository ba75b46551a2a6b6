"""How exact the kernels are: functions and compositions, their values and derivatives, against exact arithmetic and PyTorch.

cases: what is computed; words: the vocabulary in which a case is written once for symcell, for PyTorch and for exact numbers;
exact: numbers of several hundred digits with their derivatives; arguments: where; measure: symcell's errors."""
