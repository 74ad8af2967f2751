"""An HTML page as a list of its elements."""

import html.parser

_EMPTY = {"meta", "link", "input", "br"}


class ParsedPage(html.parser.HTMLParser):
    """The elements of a page, each with its name, attributes and text.

    Attributes:
        elements: List of dicts of `name`, `attributes` and `text`, all text
            inside.
    """

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self._open = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = {"name": tag, "attributes": dict(attrs), "text": ""}
        self.elements.append(element)
        if tag not in _EMPTY:
            self._open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append(
            {"name": tag, "attributes": dict(attrs), "text": ""}
        )

    def handle_endtag(self, tag):
        assert self._open and self._open[-1]["name"] == tag, tag
        self._open.pop()

    def handle_data(self, data):
        for element in self._open:
            element["text"] += data

    def all(self, name, **attributes):
        """Returns the elements of a name with these attributes."""
        attributes = {k.rstrip("_"): v for k, v in attributes.items()}
        return [
            each
            for each in self.elements
            if each["name"] == name
            and attributes.items() <= each["attributes"].items()
        ]

    def rows_of(self, label):
        """Returns the texts of the table in the group with this label."""
        start = next(
            position
            for position, each in enumerate(self.elements)
            if each["attributes"].get("aria-label") == label
        )
        rows = []
        for each in self.elements[start + 1 :]:
            if each["attributes"].get("role") == "group":
                break
            if each["name"] == "tr":
                rows.append([])
            if each["name"] in ("th", "td"):
                rows[-1].append(each["text"])
        return rows
