"""The text of the functions that modules are written with, by name."""

import ast
from importlib import resources


def _functions():
    source = resources.files("symcell.targets.numpy").joinpath("functions.py").read_text("utf-8")
    nodes = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(source, node) for node in nodes}


FUNCTIONS = _functions()
