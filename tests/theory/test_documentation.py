"""What `docs/theory.md` shows is what happens."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "theory.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"```(\w*)\n(.*?)```", PAGE, flags=re.DOTALL)


def test_programs_print_what_the_page_says(capsys):
    """One program, block by block; a block without a language is what the program before it prints."""
    names: dict = {}
    printed = ""
    for number, (language, text) in enumerate(BLOCKS):
        if language == "python":
            assert not printed, f"block {number - 1} prints what the page does not show"
            exec(text, names)
            printed = capsys.readouterr().out
        else:
            assert (language, printed) == ("", text)
            printed = ""
    assert sum(language == "python" for language, _ in BLOCKS) >= 3


def test_every_module_that_the_page_names_is_there():
    for name in re.findall(r"`(?:theory/)?(checking\w*)\.py`", PAGE):
        assert (Path(__file__).parents[2] / "learningdiagrams" / "theory" / f"{name}.py").is_file()
