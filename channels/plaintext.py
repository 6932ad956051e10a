"""Reads the text part of a mail out of its HTML part, so that both say the same and carry the same links."""

import re
from html import unescape

_VOID = {"area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_HEADINGS = {f"h{level}" for level in range(1, 7)}
_PARAGRAPHS = {"address", "article", "blockquote", "div", "footer", "header", "ol", "p", "section", "table", "ul"}
_LINES = {"br", "hr", "li", "tr"}
_CELLS = {"td", "th"}
_CELL_GAP = " · "

# What is never text, an end tag, a start tag with its attributes, or a run of text.
_TOKEN = re.compile(
    r"<!--.*?-->|<![^>]*>|<(?:style|script|title)\b.*?</(?:style|script|title)>"
    r'|</([a-z][^\s>]*)>|<([a-z][^\s/>]*)((?:[^">]|"[^"]*")*)>|([^<]+)',
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r'\s(href|alt)="([^"]*)"')
_WHITE = re.compile(r"[ \t\r\n\f]+")
_SPACES = re.compile(" {2,}")
_LONE_GAPS = re.compile(r" ·(?=\n|$)")
_LINE_END = re.compile(r" *\n *")
_BLANK_LINES = re.compile(r"\n{3,}")


def from_html(html: str) -> str:
    """Return the text of a document as css-inline writes it: every tag closed, every attribute in double quotes.

    A link reads `label <address>`. Cells of a row stand side by side; what is `aria-hidden` is for the eye alone
    and is left out, together with its links.
    """
    reader = _Reader()
    for token in _TOKEN.finditer(html):
        end, start, attributes, text = token.groups()
        if text:
            reader.text(text)
        elif start:
            reader.start(start, attributes)
        elif end:
            reader.end(end)
    return _tidy("".join(reader.pieces))


def _tidy(text: str) -> str:
    text = _LINE_END.sub("\n", _SPACES.sub(" ", text))
    text = _LINE_END.sub("\n", _LONE_GAPS.sub("", text))
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"


class _Reader:
    """Collects pieces of text and line breaks; `hidden` counts the open elements inside one that is left out."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.hidden = 0
        self.rows: list[int] = []
        self.links: list[tuple[str, int]] = []

    def text(self, raw: str) -> None:
        """Take a run of text with its character references."""
        if not self.hidden:
            self.pieces.append(_WHITE.sub(" ", unescape(raw)))

    def start(self, tag: str, attributes: str) -> None:
        """Take a start tag with its attributes as written."""
        if self.hidden or 'aria-hidden="true"' in attributes:
            self.hidden += tag not in _VOID
        elif tag in _CELLS:
            if self.rows and self._last(self.rows[-1]) != _CELL_GAP:
                self.pieces.append(_CELL_GAP)
        elif tag == "a":
            self.links.append((_attribute(attributes, "href"), len(self.pieces)))
        elif tag == "img":
            self.pieces.append(_attribute(attributes, "alt"))
        else:
            self._break(tag)
            if tag == "tr":
                self.rows.append(len(self.pieces))
            elif tag == "li":
                self.pieces.append("- ")

    def end(self, tag: str) -> None:
        """Take an end tag."""
        if self.hidden:
            self.hidden -= 1
        elif tag == "a" and self.links:
            href, start = self.links.pop()
            label = "".join(self.pieces[start:]).strip()
            if href and label != href:
                self.pieces.append(f" <{href}>" if label else href)
        else:
            self._break(tag)
            if tag == "tr" and self.rows:
                self.rows.pop()

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS or tag in _HEADINGS:
            self.pieces.append("\n\n")
        elif tag in _LINES:
            self.pieces.append("\n")

    def _last(self, start: int) -> str:
        """Return the last piece of a row that is not blank; its beginning counts as a gap."""
        return next((piece for piece in reversed(self.pieces[start:]) if piece.strip()), _CELL_GAP)


def _attribute(attributes: str, name: str) -> str:
    for found, value in _ATTRIBUTE.findall(attributes):
        if found == name:
            return unescape(value)
    return ""
