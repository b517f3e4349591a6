"""Docstrings as Markdown, for mkdocstrings: sessions are fenced, and reStructuredText's roles become links.

The docstrings of the package are read in editors and by `help` before they are read on a page. So they hold sessions
without fences and :class:`~package.Name` for a name; what Markdown wants instead is written here.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc|obj):`(~?)([^`]+)`")
# A line of prose that happens to start with `>>` would begin a quotation.
_ARROW = re.compile(r"\n[ ]*(?=>(?!>> ))")
_SESSION = re.compile(r"(?m)^(?P<indent>[ ]*)>>> (?:.*\n?)(?:(?P=indent)\S.*(?:\n|\Z))*")


def markdown(text: str) -> str:
    """A docstring as Markdown.

    >>> print(markdown('See :class:`~a.b.C` and :func:`f`.\\n\\n>>> 1 + 1\\n2\\n\\nSo it is.'))
    See <autoref optional identifier="a.b.C"><code>C</code></autoref> and `f`.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    <BLANKLINE>
    So it is.
    """

    def link(match: re.Match[str]) -> str:
        shown = match[2].rpartition(".")[2] if match[1] else match[2]
        if "." not in match[2]:
            return f"`{shown}`"
        return f'<autoref optional identifier="{match[2]}"><code>{shown}</code></autoref>'

    def fenced(match: re.Match[str]) -> str:
        indent, session = match["indent"], match[0].rstrip("\n")
        return f"{indent}```pycon\n{session}\n{indent}```\n"

    return _SESSION.sub(fenced, _ARROW.sub(" ", _ROLE.sub(link, text))).rstrip("\n")


class Docstrings(griffe.Extension):
    """Turns every docstring of a package into Markdown."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = markdown(obj.docstring.value)
