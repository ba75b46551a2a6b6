"""The examples with PyTorch, on next to nothing, with pictures in the present folder. Without Numba's compiler, this takes seconds."""

import sys
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

import characters
import evidence
import sunspots

SIZES = {
    characters: {"EMBEDDED": 4, "HIDDEN": 6, "WINDOW": 8, "PARTS": 4},
    sunspots: {"HIDDEN": 3, "BATCH": 2, "WINDOW": 14, "UPDATES": 2},
    evidence: {"HIDDEN": 3, "AGENTS": 4, "STEPS": 3, "UPDATES": 1},
}

if __name__ == "__main__":
    for module, sizes in SIZES.items():
        for name, number in sizes.items():
            setattr(module, name, number)
    characters.genesis = lambda: ("abc", torch.arange(200) ** 2 % 7 % 3)
    characters.sample = partial(characters.sample, begin="ab", length=9)
    evidence.best_return = lambda: 0.8
    characters.main("characters.png", epochs=1)
    sunspots.main("sunspots.png", epochs=1, seeds=2)
    evidence.main("evidence.png", epochs=2)
