"""Reference -> BibTeX. References read "Authors, Title, Venue, Year, arXiv:number (notes)"; what does not is kept as a note."""

import re
import unicodedata

_ARXIV = re.compile(r"\barXiv:(\d{4}\.\d{4,5}|[a-z-]+/\d{7})")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_VENUE = re.compile(r"arXiv:|\b(?:19|20)\d\d\b|\d+(?:\(\d+\))?$")  # what no title has: a preprint's number, a year, a volume
_NOTES = re.compile(r";| \(|(?<=\d): ")  # what begins the notes on a reference
_PARTICLES = {"van", "von", "der", "den", "de", "la", "le", "di", "and"}
_SPECIAL = {c: "\\" + c for c in "&%$#_"} | dict.fromkeys("{}", "")
_SPECIAL |= {"\\": r"\textbackslash ", "~": r"\textasciitilde ", "^": r"\textasciicircum "}


def bibtex(cell):
    """The BibTeX entry of a cell's reference, or "" if it has none. Its key is the cell's name."""
    if not cell.reference:
        return ""
    fields = _fields(cell.reference) or {"key": cell.name, "note": cell.reference}  # BibTeX sorts by the key without authors
    if year := year_of(cell):
        fields["year"] = str(year)
    if preprint := _ARXIV.search(cell.reference):
        fields |= {"eprint": preprint.group(1), "archiveprefix": "arXiv"}
    width = max(map(len, fields))
    lines = ",\n".join(f"  {name:<{width}} = {{{_escaped(text, name)}}}" for name, text in fields.items())
    return f"@misc{{{re.sub(r'[^A-Za-z0-9]+', '_', cell.name)},\n{lines}\n}}"


def year_of(cell):
    """The year of a reference: that of its venue, else that of its preprint's number, else None."""
    without_preprints = _ARXIV.sub("", cell.reference)
    if found := _YEAR.search(without_preprints):
        return int(found.group())
    preprint = _ARXIV.search(cell.reference)
    return 2000 + int(preprint.group(1)[:2]) if preprint and preprint.group(1)[0].isdigit() else None


def _fields(reference):
    """Author, title and venue, or None where the text is not made of these."""
    parts = _NOTES.split(reference)[0].strip().split(", ")
    venue = next((k for k, part in enumerate(parts) if _VENUE.search(part)), len(parts))
    several = re.search(r" et al\.$| and ", parts[0])
    first = 1 if several else min([k for k in range(1, venue) if _has_common_word(parts[k])], default=venue - 1)  # of the title
    if first < 1 or venue <= first:
        return None
    authors = " and ".join(parts[:first]).replace(" et al.", " and others")
    found = {"author": authors, "title": ", ".join(parts[first:venue])}
    if venue < len(parts) and not parts[venue].startswith("arXiv:"):
        place = _YEAR.sub("", parts[venue]).strip(" ,")
        found |= {"howpublished": place} if place else {}
    return found


def _has_common_word(text):
    """Whether a text is none of surnames alone: whether it has a word in lower case, particles of names apart."""
    return any(word[0].islower() for word in text.split() if word not in _PARTICLES)


def _escaped(text, name):
    text = "".join(_SPECIAL.get(c, c) for c in unicodedata.normalize("NFC", " ".join(text.split())))
    return f"{{{text}}}" if name == "title" else text  # in braces of its own: styles keep its capitals
