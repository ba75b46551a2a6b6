"""The functions of generated modules that go over time: sweeps, scans, and sums over steps. A module has the text of those that
it calls. Autograd differentiates all of them. `ended`: (T, B), where a sample has ended; all values there are those of its first
step, so that none overflows, and no derivative is undefined; no adjoint goes back from there."""

import torch


def outer_sum(bar, v):
    """The sum over steps and samples of the outer products of two sequences: the gradient of a weight."""
    return torch.tensordot(bar, v, dims=([0, 1], [0, 1]))


def previous(first, v, ended):
    """The value of the step before at each step."""
    before = torch.cat([first[None], v[:-1]])
    return before if ended is None else torch.where(beside(ended, v), first, before)


def following(v):
    """The value of the step after at each step; zero after the last one."""
    return torch.cat([v[1:], torch.zeros_like(v[:1])])


def sweep(step, sizes, shared, sequences, carried, ended, back=False):
    """A function of one step, for all steps. It takes the sizes, what all steps share, the values of its step and what the step
    before left; it returns what it leaves, and what is kept. Returns what the last step left, and all that was kept."""
    order, rows = range(sizes[0])[:: -1 if back else 1], [a.unbind() for a in sequences]
    found, kept, is_large = [None] * sizes[0], [], carried[0].numel() > 1024
    first = carried
    for t in order:
        if ended is not None and not back:
            carried = [torch.where(beside(ended[t], v), start, v) for start, v in zip(first, carried, strict=True)]
        carried, found[t] = step(sizes, *shared, *[row[t] for row in rows], *carried)
        if is_large and not torch.is_grad_enabled():  # else autograd needs the values themselves
            kept = kept or [(a, a.unbind()) for a in (v.new_empty(sizes[0], *v.shape) for v in found[t])]
            for (_, steps), v in zip(kept, found[t], strict=True):
                steps[t].copy_(v)
            found[t] = None
    return carried, [a for a, _ in kept] or [torch.stack(a) for a in zip(*found, strict=True)]


def scan(a, b, first, ended=None, back=False):
    """v with v[t] = a[t] v[t - 1] + b[t], from v[-1] = first; or backwards. A loop where a step has so many numbers that each
    operation takes longer than its call; else two steps become one, until few are left."""
    b = torch.broadcast_to(b, (*b.shape[:2], *first.shape[1:]))
    a = a.expand_as(b)
    if ended is not None:
        there = beside(ended, b)
        a, b = torch.where(there, 0, a), b if back else torch.where(there, b[0] + a[0] * first, b)
    if len(b) < 4 or (b.device.type == "cpu" and b[0].numel() > 512):
        return scan_in_a_loop(a, b, first, back)
    if back:
        return scan(a.flip(0), b.flip(0), first).flip(0)
    half = len(b) // 2
    odd = scan(a[1::2] * a[: 2 * half : 2], torch.addcmul(b[1::2], a[1::2], b[: 2 * half : 2]), first)
    even = torch.addcmul(b[::2], a[::2], torch.cat([first[None], odd[: (len(b) - 1) // 2]]))
    pairs = torch.stack([even[:half], odd], dim=1).flatten(0, 1)
    return torch.cat([pairs, even[half:]])


def scan_in_a_loop(a, b, v, back):
    """The same step by step."""
    order, found = slice(None, None, -1 if back else 1), []
    for of_before, new in zip(a.unbind()[order], b.unbind()[order], strict=True):
        v = torch.addcmul(new, of_before, v)
        found.append(v)
    return torch.stack(found[order])


def scan_of_pairs(a, b, u, v, first_u, first_v, ended, back=False):
    """A scan of two values that are the parts of a complex one, u + iv: each step multiplies it by a + ib."""
    dtype = u.dtype
    wide = torch.promote_types(dtype, torch.float32)  # no complex numbers are less precise
    pairs = [torch.complex(*torch.broadcast_tensors(re.to(wide), im.to(wide))) for re, im in ((a, b), (u, v), (first_u, first_v))]
    found = torch.view_as_real(scan(*pairs, ended, back))
    return [part.to(dtype).contiguous() for part in found.unbind(-1)]


def beside(condition, v):
    """A condition with an axis for each of a value."""
    return condition.reshape(*condition.shape, *(1 for _ in v.shape[condition.ndim :]))
