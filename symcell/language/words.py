"""Names that nothing else has."""


def unused(name, taken):
    """`name`, or name_2, name_3 ... if it is taken; what is found is taken from then on."""
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    taken.add(found)
    return found
