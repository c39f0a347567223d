"""Win32_TimeZone: the local time zone, with the rule that holds from now on."""

from collections.abc import Callable

from logonscope.cim.types import Value
from logonscope.facts import Hardware
from logonscope.providers.helpers.host import HARDWARE, HostSummary, from_hardware, hardware_of
from logonscope.providers.helpers.provider import Column, Context, Provider, always_null, column, constant
from logonscope.providers.helpers.text import clean
from logonscope.providers.helpers.zone_rule import ZoneChange, ZoneRule, parse_zone_rule

_RULE = "/etc/localtime, the rule at its end"
_NO_RULE = ZoneRule("", 0)


def has_zone(summary: HostSummary, _: Context) -> bool:
    """Return whether the rule of the time zone is known."""
    return parse_zone_rule(hardware_of(summary).zone_rule) is not None


def zone_reference(summary: HostSummary, _: Context) -> tuple[Value, ...]:
    """Return the reference to the time zone."""
    rule = parse_zone_rule(hardware_of(summary).zone_rule) or _NO_RULE
    return ("Win32_TimeZone", rule.standard_name)


def _rule_column(get: Callable[[ZoneRule], Value], source: str = _RULE) -> Column:
    return column(
        from_hardware(lambda hardware: get(parse_zone_rule(hardware.zone_rule) or _NO_RULE)), source, HARDWARE
    )


def _change_column(name: str, get: Callable[[ZoneChange], Value]) -> Column:
    """Return the column of one value of a change, to or from daylight saving time.

    The value is 0 without daylight saving time, and null if Windows has no form for the rule of the change.
    """

    def change_value(rule: ZoneRule) -> Value:
        change = getattr(rule, name)
        return get(change) if change is not None else 0 if rule.daylight_name is None else None

    return _rule_column(change_value, f"{_RULE}; 0 without daylight saving time")


def _caption(hardware: Hardware) -> str:
    rule = parse_zone_rule(hardware.zone_rule) or _NO_RULE
    sign, minutes = "-" if rule.standard_offset < 0 else "+", abs(rule.standard_offset)
    return f"(UTC{sign}{minutes // 60:02}:{minutes % 60:02}) {clean(hardware.zone) or rule.standard_name}"


def _daylight_bias(rule: ZoneRule) -> int:
    return 0 if rule.daylight_offset is None else rule.standard_offset - rule.daylight_offset


_YEAR = constant(0, "a constant: the change is every year")
_MILLISECOND = constant(0, "a constant: rules have whole seconds")

PROVIDER = Provider(
    subject="machine",
    is_instance=has_zone,
    instance_facts=frozenset({HARDWARE}),
    columns={
        "Caption": column(from_hardware(_caption), "the link /etc/localtime, and the rule", HARDWARE),
        "Description": column(from_hardware(_caption), "as Caption", HARDWARE),
        "SettingID": always_null("Linux has no registry"),
        "Bias": _rule_column(lambda rule: rule.standard_offset, f"{_RULE}: minutes ahead of UTC, in standard time"),
        "DaylightBias": _rule_column(_daylight_bias),
        "DaylightDay": _change_column("daylight_change", lambda change: change.week),
        "DaylightDayOfWeek": _change_column("daylight_change", lambda change: change.day),
        "DaylightHour": _change_column("daylight_change", lambda change: change.seconds // 3600),
        "DaylightMillisecond": _MILLISECOND,
        "DaylightMinute": _change_column("daylight_change", lambda change: change.seconds // 60 % 60),
        "DaylightMonth": _change_column("daylight_change", lambda change: change.month),
        "DaylightName": _rule_column(lambda rule: rule.daylight_name),
        "DaylightSecond": _change_column("daylight_change", lambda change: change.seconds % 60),
        "DaylightYear": _YEAR,
        "StandardBias": constant(0, "a constant: Bias is that of standard time"),
        "StandardDay": _change_column("standard_change", lambda change: change.week),
        "StandardDayOfWeek": _change_column("standard_change", lambda change: change.day),
        "StandardHour": _change_column("standard_change", lambda change: change.seconds // 3600),
        "StandardMillisecond": _MILLISECOND,
        "StandardMinute": _change_column("standard_change", lambda change: change.seconds // 60 % 60),
        "StandardMonth": _change_column("standard_change", lambda change: change.month),
        "StandardName": _rule_column(lambda rule: rule.standard_name, f"{_RULE}: its abbreviation, such as CET"),
        "StandardSecond": _change_column("standard_change", lambda change: change.seconds % 60),
        "StandardYear": _YEAR,
    },
)
