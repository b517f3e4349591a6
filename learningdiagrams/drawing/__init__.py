"""Pictures of diagrams: one layout, many pens."""
from __future__ import annotations
from pathlib import Path
from typing import Any

def draw(diagram: Any, path: Any = None, *, residuals: Any = None, dark: bool = False) -> str | None:
    from learningdiagrams.drawing.scene import picture_of
    from learningdiagrams.drawing.svg import svg
    text = svg(picture_of(diagram, residuals), True if dark else None)
    if path is None:
        return text
    Path(path).write_text(text, encoding="utf-8")
    return None
