"""Text of syntax trees, which parses to the same tree again; and text of bound conditions, for people only."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from logonscope.cim.binding import write_reference
from logonscope.cim.classes import Class
from logonscope.cim.datetimes import format_datetime
from logonscope.cim.types import Value
from logonscope.wql import condition as bound
from logonscope.wql.tree import (
    And,
    Comparison,
    ConditionTree,
    Constant,
    GroupClause,
    IsNull,
    Name,
    Not,
    Or,
    Select,
    Statement,
)


def write_statement(statement: Statement) -> str:
    """Return the text of a statement."""
    if isinstance(statement, Select):
        return _write_select(statement)
    named_options = {
        "AssocClass": statement.assoc_class, "ResultClass": statement.result_class, "Role": statement.role,
        "ResultRole": statement.result_role, "RequiredQualifier": statement.required_qualifier,
        "RequiredAssocQualifier": statement.required_assoc_qualifier,
    }  # fmt: skip
    flags = {
        "KeysOnly": statement.keys_only, "ClassDefsOnly": statement.class_defs_only,
        "SchemaOnly": statement.schema_only,
    }  # fmt: skip
    options = [f"{name} = {value}" for name, value in named_options.items() if value is not None]
    options += [name for name, is_set in flags.items() if is_set]
    first_word = "REFERENCES" if statement.references else "ASSOCIATORS"
    return " ".join([f"{first_word} OF {{{statement.path}}}", *(["WHERE", *options] if options else [])])


def _write_select(statement: Select) -> str:
    columns = "*" if statement.columns is None else _write_names(statement.columns)
    words = ["SELECT", columns, "FROM", statement.class_name]
    if statement.within is not None:
        words += ["WITHIN", write_constant(statement.within)]
    if statement.where is not None:
        words += ["WHERE", write_condition(statement.where)]
    return " ".join(words + (_group_words(statement.group) if statement.group else []))


def _group_words(group: GroupClause) -> list[str]:
    words = ["GROUP", "WITHIN", str(group.within)]
    if group.by:
        words += ["BY", _write_names(group.by)]
    return words + (["HAVING", write_condition(group.having)] if group.having else [])


def _write_names(names: Iterable[Name]) -> str:
    return ", ".join(map(str, names))


def write_condition(condition: ConditionTree) -> str:
    """Return the text of a condition that is not bound."""
    if isinstance(condition, IsNull):
        return f"{condition.name} IS NULL"
    if isinstance(condition, Comparison):
        return f"{condition.name} {condition.operator} {write_constant(condition.constant)}"
    if isinstance(condition, Not):
        if isinstance(condition.term, IsNull):
            return f"{condition.term.name} IS NOT NULL"
        return f"NOT {_write_operand(condition.term)}"
    return (" AND " if isinstance(condition, And) else " OR ").join(map(_write_operand, condition.terms))


def _write_operand(condition: ConditionTree) -> str:
    """Return the text of a condition inside another one, in parentheses where it needs them."""
    text = write_condition(condition)
    return f"({text})" if isinstance(condition, (And, Or)) else text


def write_constant(value: Constant) -> str:
    """Return a constant as WQL text."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return repr(value)


def describe_condition(condition: bound.Condition, cls: Class) -> str:
    """Return the text of a bound condition, with the values that are compared."""
    if isinstance(condition, bound.Truth):
        return str(condition.holds).upper()
    if isinstance(condition, bound.NullTest):
        return f"{condition.column} IS {'' if condition.is_null else 'NOT '}NULL"
    if isinstance(condition, bound.Term):
        negated = condition.operator in {bound.NOT_LIKE, bound.NOT_ISA}
        operator = condition.operator.removeprefix("NOT ")
        text = f"{condition.column} {operator} {write_constant(constant_of_value(condition.value, cls))}"
        return f"NOT {text}" if negated else text
    separator = " AND " if isinstance(condition, bound.Every) else " OR "
    terms = (
        f"({describe_condition(term, cls)})"
        if isinstance(term, (bound.Every, bound.Some))
        else describe_condition(term, cls)
        for term in condition.terms
    )
    return separator.join(terms)


def constant_of_value(value: Value, cls: Class) -> Constant:
    """Return the constant for a value: the path of a reference, the DMTF format of a time, bytes in hexadecimal."""
    if isinstance(value, tuple):
        return write_reference(value, cls.schema, cls.namespace)
    if isinstance(value, (datetime, timedelta)):
        return format_datetime(value)
    return value if not isinstance(value, bytes) else value.hex()
