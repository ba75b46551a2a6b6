"""Generated folders, used in processes of their own where symcell and what it needs cannot be imported."""

from support.processes import run_python

# Nothing is found of these but the standalone folder's own runtime.
BLOCKED = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("symcell", "sympy", "jinja2", "typer", "matplotlib"):
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Refuse())
"""
# How a module is imported from a folder sys.argv[1]; each makes `module`.
IMPORTS = {
    "sys.path": "sys.path.insert(0, sys.argv[1])\nimport rnn as module\n",
    "package": """
import pathlib
folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder.parent))
(folder / "__init__.py").touch()
import importlib
module = importlib.import_module(folder.name + ".rnn")
""",
    "file": """
import importlib.util
spec = importlib.util.spec_from_file_location("from_a_file", sys.argv[1] + "/rnn.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
""",
}
CALL = """
import numpy as np
params, x = module.init(n_x=2, n_h=3, seed=1), np.linspace(-1, 1, 12, dtype="float32").reshape(3, 2, 2)
run = module.forward(params, x)
gradients = module.backward(run, {"a": np.ones((3, 2, 3), "float32")})
print(repr(float(run.final["a"].sum())), repr(float(sum(a.sum() for a in gradients.params.values()))))
"""


def numbers(folder, imports="sys.path", blocked=True, **environment):
    """What a call of a folder's rnn gives in a new process."""
    text = run_python((BLOCKED if blocked else "import sys\n") + IMPORTS[imports] + CALL, folder, **environment)
    return [float(word) for word in text.split()]
