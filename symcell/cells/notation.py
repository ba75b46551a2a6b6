"""Names for print that many papers share: those of what belongs to a gate or a candidate, by the letter that stands for it."""


def by_gate(gates: str | dict[str, str], **written: str) -> dict[str, str]:
    """by_gate({"i": "i", "g": "c"}, W="W_{x@}", b="b_@"): W_i is printed as W_{xi}, W_g as W_{xc}, b_i as b_i, b_g as b_c."""
    letters = gates if isinstance(gates, dict) else dict(zip(gates, gates, strict=True))
    return {f"{q}_{gate}": text.replace("@", letter) for gate, letter in letters.items() for q, text in written.items()}
