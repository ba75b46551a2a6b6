"""The passes that make a Program good: an ordered list of small functions, Program -> Program, with a verifier between them."""

from symcell.program.branches import leave_out_untaken_branches
from symcell.program.placing import place
from symcell.program.program import Assign, Gradient, Product, Program, verify
from symcell.program.sharing import (
    compute_again,
    costly_functions,
    drop_unread,
    hoist_shared_values,
    read_kept_values,
    share_functions,
)
from symcell.program.stacking import add_inside_products, set_apart, stack, write_in_place

PASSES = (
    drop_unread, leave_out_untaken_branches, share_functions, read_kept_values, hoist_shared_values, place, compute_again,
    add_inside_products, write_in_place, stack, set_apart,
)  # fmt: skip


def improve(program: Program) -> Program:
    """All passes in order, verified after each; `report` tells what each changed."""
    verify(program)
    for pass_ in PASSES:
        before = _tally(program)
        program = pass_(program)
        verify(program)
        changed = {k: (before[k], n) for k, n in _tally(program).items() if n != before[k]}
        program = program.with_(report=(*program.report, (pass_.__name__, changed)))
    return program


def _tally(program):
    """Operation counts: statements by kind, costly functions, values kept for the backward program, products inside the step."""
    statements = [*program.forward, *program.backward]
    return {
        "assignments": sum(isinstance(s, Assign) for s in statements),
        "products": sum(isinstance(s, Product) for s in statements),
        "weight gradients": sum(isinstance(s, Gradient) for s in statements),
        "functions": sum(len(costly_functions(s.expr)) for s in statements if isinstance(s, Assign)),
        "values on the tape": len(program.tape),
        "products in a step": sum(isinstance(s, Product) and s.place == "step" for s in statements),
    }
