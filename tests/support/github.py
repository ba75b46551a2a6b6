"""Which formulas GitHub shows: rules that it does not document as a whole, each with its source."""

import re

_REFUSED = {  # macros
    r"\operatorname", r"\DeclareMathOperator",  # github.com/github/markup/issues/1688
    r"\mbox", r"\phantom",  # github.com/Programmiermethoden-CampusMinden/Prog2-Lecture/issues/1039
    # qiita.com/Yarakashi_Kikohshi/items/8aad73b8f78184bf9b90, by trial: these, and the packages html, bbox, newcommand and require
    r"\colorbox", r"\fcolorbox", r"\definecolor", r"\DeclarePairedDelimiter", r"\class", r"\cssId", r"\href", r"\style", r"\bbox",
    r"\newcommand", r"\renewcommand", r"\def", r"\let", r"\require",
    r"\tag", r"\label", r"\ref", r"\eqref",  # github.com/adshao/publications/pull/4: numbers stand as text
}  # fmt: skip
_MOST_GROUPS = 99  # in braces: github.com/orgs/community/discussions/59960
_SIGNS = {  # github.com/nschloe/github-math-bugs
    "$ in a formula": r"\$", "a comment": r"(?<!\\)%", "what looks like a tag": r"<\S*[A-Za-z/!]|[A-Za-z]>", "a code mark": "`",
}  # fmt: skip


def displays(markdown):
    """The formulas in blocks ```math."""
    return re.findall(r"(?ms)^```math\n(.*?)\n^```$", markdown)


def refused(markdown):
    """What GitHub would not show of a page that writes formulas as $`a`$ and in blocks ```math: a list of reasons."""
    prose = re.sub(r"(?ms)^```.*?^```$|<!--.*?-->", "", markdown)
    inline = list(re.finditer(r"\$`([^`\n]*)`\$", prose))
    found = [reason for formula in (*displays(markdown), *(m[1] for m in inline)) for reason in _of(formula)]
    # github.com/github/markup/issues/1742
    found += [f"{m[0]} touches a letter" for m in inline if re.search(r"\w$", prose[: m.start()]) or re.match(r"\w", prose[m.end():])]
    found += [f"an indented block: {line}" for line in re.findall(r"(?m)^[ >*-]+```math", markdown)]
    return found + [f"a lost mark: {line}" for line in re.findall(r"(?m)^.*\$`.*$", re.sub(r"\$`[^`\n]*`\$", "", prose))]


def _of(formula):
    macros = set(re.findall(r"\\[A-Za-z]+", formula)) & _REFUSED
    groups = formula.replace(r"\{", "").count("{")
    yield from (f"{macro} in {formula}" for macro in macros)
    yield from (f"{what}: {formula}" for what, sign in _SIGNS.items() if re.search(sign, formula))
    if groups > _MOST_GROUPS:
        yield f"{groups} groups in braces: {formula}"
