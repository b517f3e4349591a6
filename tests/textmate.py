"""As much of TextMate's grammars as ours uses: match, begin and end, include, captures; line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class TextMate:
    """A grammar, given as the object that its JSON holds."""

    def __init__(self, grammar: Mapping[str, Any]) -> None:
        self.grammar = grammar

    def _rules(self, patterns: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """The rules that match something, includes followed."""
        for rule in patterns:
            if "include" in rule:
                yield from self._rules([self.grammar["repository"][rule["include"].removeprefix("#")]])
            elif "match" in rule or "begin" in rule:
                yield rule
            else:
                yield from self._rules(rule["patterns"])

    def tokens(self, text: str) -> Iterator[tuple[str, str]]:
        """Each piece of a text that is no blank, with its innermost scope; "" where no rule takes it."""
        stack: list[Mapping[str, Any]] = [self.grammar]
        for line in text.split("\n"):
            at = 0
            while True:
                top = stack[-1]
                ends = [] if top is self.grammar else [(re.compile(top["end"]).search(line, at), top)]
                tried = [
                    (re.compile(r.get("match") or r["begin"]).search(line, at), r) for r in self._rules(top["patterns"])
                ]
                found = [(match.start(), i, match, rule) for i, (match, rule) in enumerate(ends + tried) if match]
                if not found:
                    yield from self._plain(line[at:], top)
                    break
                start, i, match, rule = min(found, key=lambda it: it[:2])
                yield from self._plain(line[at:start], top)
                closes, begins = bool(ends) and i == 0, "begin" in rule
                captures = rule.get("endCaptures" if closes else "beginCaptures" if begins else "captures", {})
                yield from self._captured(match, rule.get("name", ""), captures)
                if closes:
                    stack.pop()
                elif begins:
                    stack.append(rule)
                if match.end() == at and not closes and not begins:
                    raise AssertionError(f"a rule that takes nothing: {rule}")
                at = match.end()

    @staticmethod
    def _plain(text: str, rule: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if text.strip():
            yield text.strip(), rule.get("name", "")

    @staticmethod
    def _captured(match: re.Match[str], name: str, captures: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        if "0" in captures or not captures:
            scope = captures["0"]["name"] if captures else name
            if match[0].strip():
                yield match[0].strip(), scope
            return
        for number, capture in captures.items():
            if match[int(number)]:
                yield match[int(number)], capture["name"]
