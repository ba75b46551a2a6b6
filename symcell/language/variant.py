"""A declaration from another one: equations are replaced, added and dropped by the quantities that they define."""

import difflib
from collections.abc import Mapping

from sympy import Eq, Symbol

from symcell.errors import CellError
from symcell.language.declare import declare
from symcell.language.equations import declared_pairs
from symcell.language.hints import not_taken
from symcell.language.order import in_order_of_reading, read_by
from symcell.language.sizes import shape_text, symbolic
from symcell.language.symbols import Previous, Quantity, State
from symcell.language.writing import written

_LONGEST = 60  # letters of a right side in a reference


def vary(original, name, replace, add=(), drop=(), outputs=None, reference=""):
    """The Declaration of a variant; see Cell.variant. Definitions are name -> (symbol, expression), since in a cell a name stands
    for one symbol."""
    old = {e.target.name: (e.target, e.rhs) for e in original.equations}
    replaced, added = _replacements(original, name, replace, old), _additions(original, name, add, old)
    dropped = _dropped(original, name, drop, old, replaced)
    given = replaced | added
    new = _unified(original, old, {n: pair for n, pair in (old | given).items() if n not in dropped or n in added})
    shown = _shown(original, name, outputs, new)
    new = _read(name, old, new, given, original.outputs, shown)
    _check_dropped(name, new, dropped)
    equations = [Eq(*pair, evaluate=False) for pair in in_order_of_reading(name, new)]
    made = declare(name, equations, shown, _origin(original, replaced, added, dropped, reference), original.shapes)
    _check_ranks(original, made)
    return made.named(original.names)


# What the caller asks for.


def _replacements(original, name, replace, old):
    """name -> (symbol, expression). A State as key takes the place of whatever has its name."""
    if not isinstance(replace, Mapping):
        hint = "; equations that are new are add=[Eq(...)]" if replace else ""
        raise CellError(f"cell {name}: replace is a dict like {{f: 1 - i}}, found {type(replace).__name__} {replace!r}{hint}")
    found = {}
    for key, value in replace.items():
        target, _ = old[_name_of(original, name, key, old)]
        expression = symbolic(value)
        if expression is None:
            raise CellError(f"cell {name}: {target} is replaced by an expression or a number, found {not_taken(value)}")
        if target.name in found:
            raise CellError(f"cell {name}: replace has {target} twice, by its symbol and by its name")
        found[target.name] = key if isinstance(key, State) else target, expression
    return found


def _additions(original, name, add, old):
    found = {}
    none = isinstance(add, (tuple, list)) and not add
    for target, rhs in () if none else declared_pairs(f"{name}, add", add):
        if target.name in old:
            raise CellError(f"cell {name}: add defines {target}, and so does {original.name}; write replace={{{target}: ...}}")
        if target.name in found:
            raise CellError(f"cell {name}: add defines {target} twice")
        found[target.name] = target, rhs
    return found


def _dropped(original, name, drop, old, replaced):
    """The names of the quantities to drop."""
    keys = (drop,) if isinstance(drop, (str, Symbol)) else drop
    if not isinstance(keys, (tuple, list, set, frozenset)):
        raise CellError(f"cell {name}: drop is a list of symbols or names, like [o], found {drop!r}")
    found = {_name_of(original, name, key, old) for key in keys}
    for both in sorted(found & replaced.keys()):
        raise CellError(f"cell {name}: {both} is replaced and dropped; do one of the two")
    return found


def _name_of(original, name, key, old):
    """The name of a quantity that an equation of the original cell defines."""
    text = key.name if isinstance(key, Symbol) else key
    if isinstance(text, str) and text in old:
        return text
    if isinstance(key, Previous):
        hint = f"the equation defines {key.state}; write {key.state}"
    elif isinstance(text, str) and (known := [q for q in original.shapes if q.name == text]):
        hint = f"{text} is the {known[0].role} {text}, which no equation defines"
    elif isinstance(text, str):
        close = difflib.get_close_matches(text, old, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(old)}; add=[Eq({text}, ...)] adds one"
    else:
        hint = f"a quantity is given by its symbol or name: {', '.join(old)}"
    raise CellError(f"cell {name}: {original.name} has no equation for {key!r}; {hint}")


def _shown(original, name, outputs, new):
    """The states to show outside: those given, by symbol or name, or those of the original cell."""
    if outputs is None:
        for s in original.outputs:
            if s.name not in new:
                raise CellError(f"cell {name}: {s} is dropped, and is an output of {original.name}; choose others by outputs=")
        return [new[s.name][0] for s in original.outputs]
    chosen = outputs if isinstance(outputs, (tuple, list)) else (outputs,)
    states = {n: target for n, (target, _) in new.items() if isinstance(target, State)}
    texts = [q.name if isinstance(q, Symbol) else q for q in chosen]
    for n, q in zip(texts, chosen, strict=True):
        if not isinstance(n, str) or n not in states:
            raise CellError(f"cell {name}: outputs are among its states {', '.join(states)}, found {q!r}")
    if not texts:
        raise CellError(f"cell {name}: outputs is empty; at least one of the states {', '.join(states)} is shown outside")
    return [states[n] for n in texts]


# The equations that follow.


def _unified(original, old, new):
    """The definitions with one symbol for each name: a plain symbol stands for the quantity of its name, and what was an
    intermediate may have become a state. Numbers are written into the equations that read them."""
    meanings = {q.name: q for q in original.shapes if isinstance(q, Quantity)} | {n: target for n, (target, _) in new.items()}
    meanings |= {q.prev.name: q.prev for q in meanings.values() if isinstance(q, State)}
    redefined = {t: new[n][0] for n, (t, _) in old.items() if n in new and t != new[n][0]}
    redefined |= {t.prev: q.prev for t, q in redefined.items() if isinstance(t, State)}
    return {n: (target, rhs.xreplace(redefined | _meant(rhs, meanings))) for n, (target, rhs) in new.items()}


def _meant(rhs, meanings):
    """Plain symbol -> the quantity of its name."""
    plain = [s for s in rhs.free_symbols if not isinstance(s, Quantity) and not s.is_integer and s.name in meanings]
    return {s: meanings[s.name] for s in plain}


def _read(name, old, new, given, outputs_before, shown):
    """The definitions without those that the change has left unread, and without intermediates that are numbers now, which are
    written into the equations that read them."""
    numbers = {t: rhs for t, rhs in (new[n] for n in given) if rhs.is_number and not isinstance(t, State)}
    kept = {n: (t, _with_numbers(name, t, rhs, numbers)) for n, (t, rhs) in new.items() if t not in numbers}
    unread_before = old.keys() - _reached(old, {s.name for s in outputs_before})
    states_given = {n for n in given if isinstance(new[n][0], State)}
    reached = _reached(kept, {getattr(s, "name", s) for s in shown} | unread_before | states_given)
    read = {q for n in reached for q in read_by(new[n][1])}
    for n in given:
        if n not in read | reached:
            raise CellError(f"cell {name}: nothing reads {n} = {written(new[n][1])}; leave it out, or replace what is to read it")
    return {n: pair for n, pair in kept.items() if n in reached}


def _with_numbers(name, target, rhs, numbers):
    try:
        return rhs.xreplace(numbers)
    except CellError as error:
        values = ", ".join(f"{q} = {n}" for q, n in numbers.items())
        raise CellError(f"cell {name}, the equation of {target} with {values}: {error}; replace {target} too") from None


def _reached(definitions, names):
    """The names of the definitions that those of `names` read, at this step or the one before, and those that these read."""
    found, waiting = set(), [n for n in names if n in definitions]
    while waiting:
        n = waiting.pop()
        found.add(n)
        waiting += [q for q in read_by(definitions[n][1]) if q in definitions and q not in found]
    return found


def _check_dropped(name, new, dropped):
    for n, (_, rhs) in new.items():
        for q in sorted(read_by(rhs) & dropped - new.keys()):
            raise CellError(f"cell {name}: {q} is dropped, and the equation of {n} reads it; replace {n} too")


def _check_ranks(original, made):
    """Raise CellError where the equations that are left make another array of a parameter."""
    for q in (*made.params, *made.constants):
        before, now = original.shapes.get(q, made.shapes[q]), made.shapes[q]
        if len(before) != len(now):
            raise CellError(
                f"cell {made.name}: the {q.role} {q} has shape {shape_text(before)} in {original.name}, and the others "
                f"make it {shape_text(now)}; replace the equations that read it"
            )


def _origin(original, replaced, added, dropped, reference):
    """A reference that says what the variant was made from."""
    changes = [_equation(n, rhs) for n, (_, rhs) in replaced.items()]
    changes += [f"{_equation(n, rhs)} added" for n, (_, rhs) in added.items()]
    changes += [f"{n} dropped" for n in sorted(dropped)]
    made_from = f"variant of {original.name}" + (f": {', '.join(changes)}" if changes else "")
    if reference:
        return f"{reference} ({made_from})"
    return f"{made_from} ({original.reference})" if original.reference else made_from


def _equation(name, rhs):
    text = written(rhs)
    return f"{name} = {text}" if len(text) <= _LONGEST else f"another {name}"
