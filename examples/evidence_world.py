"""What evidence.py is about: a number with a hidden sign, observed with noise until an agent decides; and what is best."""

import numpy as np
import torch

MEAN, COST = 0.5, 0.02
LOOK = 2  # an action; the other two name the sign


class World:
    """Many agents at once; `memory` is what their policy remembers, `resets` (agents,) says whose episode has just begun."""

    def __init__(self, agents, seed=0):
        self.random, self.memory = np.random.default_rng(seed), None
        self.sign, self.resets = self.random.integers(0, 2, agents), torch.ones(agents, dtype=torch.bool)
        self._observe()

    def _observe(self):
        x = self.random.normal(size=len(self.sign)) + MEAN * (2 * self.sign - 1)
        self.observation = torch.from_numpy(x.astype("float32"))

    def step(self, action):
        """The rewards of actions (agents,)."""
        right, decided = action.numpy() == self.sign, action.numpy() != LOOK
        self.sign = np.where(decided, self.random.integers(0, 2, len(right)), self.sign)
        self.resets = torch.from_numpy(decided)
        self._observe()
        return torch.from_numpy(np.where(decided, np.where(right, 1, -1), -COST).astype("float32"))


def best_return(episodes=20000):
    """Wald's test with the best of some bounds: its mean return, simulated."""
    random, returns = np.random.default_rng(0), []
    for bound in np.arange(2, 5, 0.25):
        evidence, going, found = np.zeros(episodes), np.ones(episodes, bool), np.zeros(episodes)
        while going.any():
            evidence[going] += 2 * MEAN * (random.normal(size=going.sum()) + MEAN)  # the log odds of a positive sign
            decided = going & (abs(evidence) >= bound)
            found[decided] += np.sign(evidence[decided])
            going &= ~decided
            found[going] -= COST
        returns.append(found.mean())
    return max(returns)
