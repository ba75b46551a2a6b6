"""symcell's cells in PyTorch: `Layer` in the place of torch.nn.LSTM, GRU and RNN, `StepCell` in that of LSTMCell."""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    message = 'symcell.torch needs PyTorch, which is not installed; write: pip install "symcell[torch]"'
    raise ModuleNotFoundError(message, name="torch") from None

from symcell.torch import batching as batching  # which registers vmap
from symcell.torch.layer import Layer as Layer
from symcell.torch.step import StepCell as StepCell
from symcell.torch.stream import LayerStream as LayerStream
from symcell.torch.weights import from_torch as from_torch
from symcell.torch.weights import to_torch as to_torch

__all__ = ["Layer", "LayerStream", "StepCell", "from_torch", "to_torch"]
