"""LALR(1) parser, driven by the table that build.py computes from a grammar.

It reads a text as lark's parser of the same grammar does, but does not import lark: importing lark takes longer than
most queries. The next token is matched only with the ignored terminals, and with the terminals for which the state of
the parser has an action.
"""

import re
from functools import cache
from typing import Any, NamedTuple, Self

END = "$END"
"""The terminal at the end of every text."""


class Rule(NamedTuple):
    """A rule of the grammar, and how the value of its left side is made from the values of its right side."""

    nonterminal: str
    length: int
    """Number of symbols on the right side."""
    method: str
    """Name of the method that makes the value from the list of parts; "": the list, or its only part, is the value."""
    is_transparent: bool
    """Whether the value of a rule with a single part is this part itself, without a call of the method."""
    parts: tuple[tuple[int, bool, int], ...]
    """Each part: its index on the right side, whether it is a list of parts, and the number of Nones before it."""
    nones_after: int
    """Number of Nones after the last part: optional symbols that are absent."""


class Table(NamedTuple):
    """A parse table, as plain data: states and rules are numbers."""

    terminals: dict[str, str]
    """Regular expression of each terminal, in the order in which they are tried."""
    ignored: tuple[str, ...]
    """Terminals that may appear between any two tokens."""
    actions: tuple[dict[str, int], ...]
    """What each state does at a terminal: shift to state n, or, where n is negative, apply rule -1 - n."""
    gotos: tuple[dict[str, int], ...]
    """The state that follows each state after a nonterminal."""
    rules: tuple[tuple[Any, ...], ...]
    """The fields of each Rule."""
    start: int
    final: int


class Token(str):
    """A piece of the text, its terminal, and its position in the text."""

    __slots__ = ("position", "type")
    type: str
    position: int

    def __new__(cls, text: str, type_: str, position: int) -> Self:
        """Return the token."""
        token = super().__new__(cls, text)
        token.type, token.position = type_, position
        return token


class UnexpectedInputError(Exception):
    """The text does not match the grammar."""

    def __init__(self, position: int, token: Token | None, expected: frozenset[str]) -> None:
        super().__init__(f"unexpected input at {position}")
        self.position = position
        self.token = token
        """The token at the position, which is not accepted there; None: no terminal matches the text there."""
        self.expected = expected
        """The terminals that the grammar accepts at the position."""


class Parser:
    """A parser of one grammar; several threads can use it at once."""

    def __init__(self, table: Table, builder: object) -> None:
        """Create a parser of the grammar of ``table``; ``builder`` has the methods that its rules name."""
        self._table = table
        self._rules = [Rule(*row) for row in table.rules]
        self._methods = [getattr(builder, rule.method) if rule.method else None for rule in self._rules]
        # for each state, the terminals to match, in the order in which they are tried
        self._candidates = [
            [name for name in table.terminals if name in table.ignored or name in row] for row in table.actions
        ]

    def parse(self, text: str) -> Any:
        """Return the value of the text.

        Raises:
            UnexpectedInputError: the text does not match the grammar.
        """
        states, values = [self._table.start], list[Any]()
        position = 0
        while position < len(text):
            token = self._match(text, position, self._candidates[states[-1]])
            if token is None:
                # for the error: a token that the grammar accepts in other places
                token = self._match(text, position, self._table.terminals)
                raise UnexpectedInputError(position, token, self._expected(states))
            position += len(token)
            if token.type not in self._table.ignored:
                self._feed(token, states, values)
        return self._feed(Token("", END, position), states, values)

    def _match(self, text: str, position: int, names: "list[str] | dict[str, str]") -> Token | None:
        for name in names:
            if match := _compile(self._table.terminals[name]).match(text, position):
                return Token(match[0], name, position)
        return None

    def _feed(self, token: Token, states: list[int], values: list[Any]) -> Any:
        """Apply the rules that end before a token, and add the token; for END, return the value of the text."""
        while True:
            action = self._table.actions[states[-1]].get(token.type)
            if action is None:
                raise UnexpectedInputError(token.position, token, self._expected(states))
            if action >= 0:
                states.append(action)
                values.append(token)
                return None
            number = -1 - action
            rule = self._rules[number]
            self._apply(rule, states)
            # there is a value for each state but the first
            kept = len(states) - 2
            values[kept:] = [self._make_value(number, values[kept:])]
            if states[-1] == self._table.final and token.type == END:
                return values[-1]

    def _apply(self, rule: Rule, states: list[int]) -> None:
        """Replace the states of a rule's right side by the state that follows the rule's left side."""
        kept = len(states) - rule.length
        states[kept:] = [self._table.gotos[states[kept - 1]][rule.nonterminal]]

    def _make_value(self, number: int, values: list[Any]) -> Any:
        rule, method = self._rules[number], self._methods[number]
        parts: list[Any] = []
        for index, is_list, nones_before in rule.parts:
            parts += [None] * nones_before
            if not is_list:
                parts.append(values[index])
            elif parts:
                parts += values[index]
            else:  # a list grows by one part per call, so the list itself is extended: a copy per call would be slow
                parts = values[index]
        parts += [None] * rule.nones_after
        if rule.is_transparent and len(parts) == 1:
            return parts[0]
        return parts if method is None else method(parts)

    def _expected(self, states: list[int]) -> frozenset[str]:
        return frozenset(name for name in self._table.actions[states[-1]] if self._is_accepted(name, states))

    def _is_accepted(self, terminal: str, states: list[int]) -> bool:
        """Return whether a terminal can follow.

        An action for the terminal is not enough: it can apply a rule after which the parser rejects the terminal.
        """
        states = states.copy()
        while (action := self._table.actions[states[-1]].get(terminal)) is not None:
            if action >= 0:
                return True
            self._apply(self._rules[-1 - action], states)
            if states[-1] == self._table.final and terminal == END:
                return True
        return False


@cache
def _compile(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
