"""The drawn grammar is the one in use: its pictures are up to date, and hold every rule and every word."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from learningdiagrams.diagram import RESERVED
from tools import railroad
from tools.railroad import Choice, Loop, Maybe, Rule, Sequence_, Word, rules

FOUND = rules(railroad.GRAMMAR.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", railroad.pictures())
def test_the_pictures_are_those_of_the_grammar(name: str):
    drawn = (railroad.PICTURES / name).read_text(encoding="utf-8")
    assert drawn == railroad.pictures()[name], "python -m tools.railroad draws them again"
    ET.fromstring(drawn)


def test_every_rule_is_drawn_once_and_every_picture_shown():
    drawn = [name for names in railroad.CHAPTERS.values() for name in names]
    assert sorted([*drawn, *railroad.SAID_IN_WORDS]) == sorted(FOUND)
    page = (Path(railroad.ROOT) / "docs" / "language.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(grammar/(\w+\.svg)\)", page)) == set(railroad.pictures())


def test_every_reserved_word_is_drawn_as_a_word():
    words = set(re.findall(r'<rect class="w"[^>]*/>\s*<text[^>]*>([^<]+)<', "".join(railroad.pictures().values())))
    assert words >= RESERVED


def test_boxes_do_not_overlap():
    for svg in railroad.pictures().values():
        boxes = [
            tuple(float(box.attrib[side]) for side in ("x", "y", "width", "height"))
            for box in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}rect")
        ]
        for i, (x, y, w, h) in enumerate(boxes):
            for a, b, v, g in boxes[:i]:
                assert x + w <= a or a + v <= x or y + h <= b or b + g <= y, ((x, y), (a, b))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('"a" b', Sequence_((Word("a"), Rule("b")))),
        ("a | b c", Choice((Rule("a"), Sequence_((Rule("b"), Rule("c")))))),
        ("a?", Maybe(Rule("a"))),
        ('a ("," a)*', Loop(Rule("a"), Word(","))),
        ("(a | b)*", Maybe(Loop(Choice((Rule("a"), Rule("b"))), Sequence_(())))),
        ("a+", Loop(Rule("a"), Sequence_(()))),
        ('a ("," b)*', Sequence_((Rule("a"), Maybe(Loop(Sequence_((Word(","), Rule("b"))), Sequence_(())))))),
        ("OF a", Sequence_((Word("of"), Rule("a")))),
    ],
)
def test_rules_are_read_as_lark_reads_them(text: str, part: railroad.Part):
    assert rules(f'rule: {text}\nOF: "of"\n')["rule"] == part
