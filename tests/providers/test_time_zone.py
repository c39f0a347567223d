"""providers/time_zone.py: the rule of the time zone, as Windows has it."""

from tests.providers.asked import everything, one
from tests.providers.hardware import host_of_hardware


def test_the_zone() -> None:
    path = 'Win32_TimeZone.StandardName="CET"'
    names = ("Caption", "Bias", "StandardBias", "DaylightBias", "DaylightName")
    assert one(host_of_hardware(), path, *names) == ("(UTC+01:00) Europe/Berlin", 60, 0, -60, "CEST")
    begin = ("DaylightMonth", "DaylightDay", "DaylightDayOfWeek", "DaylightHour", "DaylightMinute", "DaylightSecond")
    assert one(host_of_hardware(), path, *begin) == (3, 5, 0, 2, 0, 0)
    end = tuple(name.replace("Daylight", "Standard") for name in begin)
    assert one(host_of_hardware(), path, *end) == (10, 5, 0, 3, 0, 0)


def test_zones_without_such_changes() -> None:
    names = ("Caption", "Bias", "DaylightBias", "DaylightMonth", "DaylightHour", "DaylightName")
    india = host_of_hardware(zone=None, zone_rule="<+0530>-5:30")
    assert everything(india, "Win32_TimeZone", *names) == [("(UTC+05:30) +0530", 330, 0, 0, 0, None)]
    greenland = host_of_hardware(zone="America/Nuuk", zone_rule="<-02>2<-01>,M3.5.0/-1,M10.5.0/0")
    assert everything(greenland, "Win32_TimeZone", *names) == [
        ("(UTC-02:00) America/Nuuk", -120, -60, None, None, "-01")
    ]
    assert everything(host_of_hardware(zone_rule=None), "Win32_TimeZone", "Bias") == []
