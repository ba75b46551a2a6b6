"""PyTorch modules: plain tensor operations with the derived backward pass, on any device. `emit(program) -> text` is the entry."""

from symcell.targets.torch.module import emit

__all__ = ["emit"]
