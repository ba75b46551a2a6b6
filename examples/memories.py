"""What policies of evidence.py remember by, called as a symcell.torch.Layer is: memory(x, state, resets=resets), x (T, B, n)."""

import torch


class StepByStep(torch.nn.Module):
    """How torch.nn.LSTM begins episodes in mid-sequence: a loop over steps, states multiplied by zero where one begins."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x, state, resets):
        found, start = [], x.new_zeros(1, x.shape[1], self.recurrent.hidden_size)
        state = state or (start, start)
        for step, begins in zip(x, resets, strict=True):
            out, state = self.recurrent(step[None], tuple(s * ~begins[:, None] for s in state))
            found.append(out)
        return torch.cat(found), state


class Unaware(torch.nn.Module):
    """A recurrent layer that does not know where episodes begin."""

    def __init__(self, recurrent):
        super().__init__()
        self.recurrent = recurrent

    def forward(self, x, state, resets):
        return self.recurrent(x, state)


class Memoryless(torch.nn.Sequential):
    def forward(self, x, state, resets):
        return super().forward(x), None
