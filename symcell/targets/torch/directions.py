"""The two passes: what each is given, where it starts, and what it returns."""

from symcell.language.symbols import Adjoint
from symcell.targets.layout import indented, tuple_text
from symcell.targets.torch.passes import Pass


class ForwardPass(Pass):
    name = "forward"
    head = "forward_pass(sizes, params, inputs, first, ended)"
    summary = "The states of all steps, and what the backward pass reads beside them."
    direction = "ended"

    def results(self):
        return [self.names(s) for s in self.cell.states], [self.names(q) for q in self.found.saved]

    def wanted(self):
        return {*self.cell.states, *self.found.saved}

    def start(self, early):
        return self.names.first(self.program.carried[early])


class BackwardPass(Pass):
    name = "backward"
    head = "backward_pass(sizes, params, inputs, first, states, saved, given, ended, for_inputs)"
    summary = "The adjoints of parameters, of inputs, and of the states before the first step."
    direction = "ended, back=True"

    def given(self):
        cotangents = [self.names(Adjoint(s, "cotangent")) for s in self.cell.states]
        saved = list(map(self.names, self.found.saved))
        return super().given() | {"states": list(map(self.names, self.cell.states)), "saved": saved, "given": cotangents}

    def on_request(self):
        cell, needed = self.cell, set()
        new = {*map(Adjoint, cell.params), *(late for _, late in self.pairs)}
        while new:
            needed |= new
            read = {q for s in self.statements if new.intersection(s.targets) for q in s.sources}
            new = {self.program.carried.get(q, q) for q in read} - needed
        apart = [s for s in self.statements if not needed.intersection(s.targets)]
        return [] if any(s.place == "step" or getattr(s, "recurrence", "") for s in apart) else apart

    def requested(self):
        if not self.apart:
            return []
        of_inputs = [self.names(Adjoint(x)) for x in self.cell.inputs if any(Adjoint(x) in s.targets for s in self.apart)]
        return ["", f"{' = '.join(of_inputs)} = None", "if for_inputs:", *indented(self._block(self.apart))]

    @property
    def pairs(self):
        return [pair for pair in self.program.carried.items() if isinstance(pair[0], Adjoint)]

    def wanted(self):
        starts = {late for early, late in self.pairs if early not in self.first}
        return {*map(Adjoint, (*self.cell.params, *self.cell.inputs)), *starts}

    def start(self, early):
        return f"torch.zeros_like({self.names.first(early.of)})"

    def _ends(self, early):
        self.first |= {q: self.names.free(f"d{q.of}_first") for q in early}
        return tuple_text([self.first[q] for q in early])

    def results(self):
        starts = [self.first.get(early, f"{self.names(late)}[0]") for early, late in self.pairs]
        return [self.names(Adjoint(p)) for p in self.cell.params], [self.names(Adjoint(x)) for x in self.cell.inputs], starts
