"""A policy with memory, trained through episodes that begin in mid-sequence: look on, or decide.

    python examples/evidence.py            prints progress and a table; draws output/evidence.png

At each step an agent observes a noisy number, whose mean is 0.5 or -0.5 through an episode. It looks on, which costs 0.02, or
names the sign: a reward of 1 if it is right and of -1 if not, and the next episode begins, which no observation tells. What is
best is known (Wald, Sequential tests of statistical hypotheses, Ann. Math. Statist. 16, 1945): to add up what an episode has
shown until the sum passes a bound. The policy learns by an actor-critic (Mnih et al., arXiv:1602.01783) with the advantages of
Schulman et al., arXiv:1506.02438.

torch.nn.LSTM needs a loop over steps for this. Both LSTMs learn the same until rounding changes an action that a policy draws.
"""

import sys
from copy import deepcopy
from functools import partial

import torch
from evidence_world import World, best_return
from memories import Memoryless, StepByStep, Unaware
from pictures import COLOURS, draw_seconds, panels, save
from rich.console import Console
from training import lstms, progress_bar, show, train

HIDDEN, AGENTS, STEPS, UPDATES = 32, 64, 32, 20  # STEPS of all agents between two updates, UPDATES an epoch
DECAY, CURIOSITY = 0.95, 0.01  # of advantages over steps; the weight of the entropy


class Policy(torch.nn.Module):
    """Logits of the actions (T, B, 3), and what is still to be gained (T, B)."""

    def __init__(self, memory):
        super().__init__()
        self.memory, self.readout = memory, torch.nn.Linear(HIDDEN, 4)

    def forward(self, observations, state, resets):
        features, state = self.memory(observations[..., None], state, resets=resets)
        found = self.readout(features)
        return found[..., :3], found[..., 3], state


@torch.no_grad()
def collect(world, policy):
    """What agents see, do and gain in some steps: (T, B) each, and at the end the value of what comes after."""
    rows = []
    for _ in range(STEPS):
        seen = world.observation, world.resets
        logits, values, world.memory = policy(seen[0][None], world.memory, seen[1][None])
        action = torch.multinomial(logits[0].softmax(-1), 1)[:, 0]
        rows.append((*seen, values[0], action, world.step(action), world.resets))
    after = policy(world.observation[None], world.memory, world.resets[None])[1][0]
    return *map(torch.stack, zip(*rows, strict=True)), after


def advantages(rewards, values, ends, after):
    """By how much each step's rewards surpass what was expected, within its episode."""
    found, advantage = [], torch.zeros_like(after)
    for reward, value, end in zip(rewards.flip(0), values.flip(0), ends.flip(0), strict=True):
        surprise = reward + after * ~end - value
        advantage, after = surprise + DECAY * advantage * ~end, value
        found.append(advantage)
    return torch.stack(found).flip(0)


def losses(world, returns, policy):
    """An epoch of losses; `returns` gains its mean return of an episode."""
    gained = episodes = 0
    for _ in range(UPDATES):
        before = world.memory
        observations, resets, values, actions, rewards, ends, after = collect(world, policy)
        advantage = advantages(rewards, values, ends, after)
        logits, expected, _ = policy(observations, before, resets)
        log_p = logits.log_softmax(-1)
        of_actions, entropy = log_p.gather(-1, actions[..., None])[..., 0], -(log_p.exp() * log_p).sum(-1)
        yield ((expected - advantage - values).square() / 2 - of_actions * advantage - CURIOSITY * entropy).mean()
        gained, episodes = gained + rewards.sum().item(), episodes + ends.sum().item()
    returns.append(gained / max(episodes, 1))


def policies():
    """Policies whose common weights are the same."""
    torch.manual_seed(0)
    ours, theirs = lstms(1, HIDDEN)
    tanh, linear = torch.nn.Tanh, torch.nn.Linear
    for name, memory in (
        ("LSTM, symcell", ours), ("LSTM, PyTorch", StepByStep(theirs)), ("LSTM without resets", Unaware(deepcopy(ours))),
        ("no memory", Memoryless(linear(1, HIDDEN), tanh(), linear(HIDDEN, HIDDEN), tanh())),
    ):  # fmt: skip
        torch.manual_seed(0)
        yield name, Policy(memory)


def draw(trained, returns, best, path, console):
    """The returns by epoch, and the seconds."""
    figure, (axes, seconds) = panels((2, 1))
    for (name, values), colour, style in zip(returns.items(), COLOURS, ("-", ":", "-", "-"), strict=True):
        axes.plot(range(1, len(values) + 1), values, style, color=colour, linewidth=2, label=name)
    axes.axhline(best, color="#777777", linestyle="dashed", linewidth=1.2, label="best policy (Wald)")
    axes.set(xlabel=f"epoch of {UPDATES * STEPS * AGENTS:,} steps", ylabel="mean return of an episode", ylim=(None, 0.9))
    axes.legend(frameon=False, loc="lower right")
    draw_seconds(seconds, trained)
    save(figure, path, console)


def main(path="output/evidence.png", epochs=30):
    console, returns, trained = Console(), {}, []
    torch.set_num_threads(1)  # a second one would only wait: products are small
    with progress_bar(console) as progress:
        for name, policy in policies():
            returns[name] = []
            trained.append(train(name, policy, partial(losses, World(AGENTS), returns[name]), epochs, 0.005, progress))
    best = best_return()
    show(console, f"Returns; {best:.3f} is best", trained, {
        "return, last 5 epochs": [f"{sum(r[-5:]) / len(r[-5:]):.3f}" for r in returns.values()],
    })
    draw(trained, returns, best, path, console)


if __name__ == "__main__":
    main(*sys.argv[1:])
