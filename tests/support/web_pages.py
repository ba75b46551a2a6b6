"""What a page holds, as a parser of HTML finds it."""

from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br"}


class Reader(HTMLParser):
    """The identifiers, links and classes of a page; every element that begins must end."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.classes, self.scripts, self.open, self.tags = [], [], [], 0, [], set()
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs["href"]] if "href" in attrs else []
        self.classes += attrs.get("class", "").split()
        self.scripts += tag == "script"
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
