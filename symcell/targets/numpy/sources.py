"""The text of the functions that modules are written with, by name."""

import ast

from symcell.targets.header import source


def _functions():
    text = source("numpy", "functions.py")
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    return {node.name: ast.get_source_segment(text, node) for node in nodes}


FUNCTIONS = _functions()
