"""PyTorch modules: plain operations on tensors, and the derived backward pass. `emit(program) -> text` is the entry."""

from symcell.targets.torch.module import emit

__all__ = ["emit"]
