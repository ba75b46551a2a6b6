"""The passes that make a Program good: an ordered list of small functions, Program -> Program, with a verifier between them."""

from symcell.program.branches import mask_untaken_branches
from symcell.program.fusion import eliminate_copies, fuse_sums_of_products, stack_products
from symcell.program.liveness import dead_code, hoist_shared_values, rematerialise
from symcell.program.placing import place
from symcell.program.program import Assign, Gradient, Product, Program
from symcell.program.slices import join_slices
from symcell.program.subexpressions import common_subexpressions, costly_functions, reuse_tape
from symcell.program.verify import verify

PASSES = (
    dead_code, join_slices, mask_untaken_branches, common_subexpressions, reuse_tape, hoist_shared_values, place, rematerialise,
    fuse_sums_of_products, eliminate_copies, stack_products,
)  # fmt: skip


def improve(program: Program) -> Program:
    """All passes in order, verified after each; `report` tells what each changed."""
    verify(program)
    before = _tally(program)
    for pass_ in PASSES:
        program = pass_(program)
        verify(program)
        after = _tally(program)
        changed = {k: (before[k], n) for k, n in after.items() if n != before[k]}
        program, before = program.with_(report=(*program.report, (pass_.__name__, changed))), after
    return program


def _tally(program):
    """Operation counts: statements by kind, costly functions, values kept for the backward program, products inside the step."""
    statements = program.statements
    return {
        "assignments": sum(isinstance(s, Assign) for s in statements),
        "products": sum(isinstance(s, Product) for s in statements),
        "weight gradients": sum(isinstance(s, Gradient) for s in statements),
        "functions": sum(len(costly_functions(s.expr)) for s in statements if isinstance(s, Assign)),
        "values on the tape": len(program.tape),
        "products in a step": sum(isinstance(s, Product) and s.place == "step" for s in statements),
    }
