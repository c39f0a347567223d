"""providers/computer_system_processor.py: the computer, and its part."""

from tests.providers.asked import everything
from tests.providers.hardware import host_of_hardware


def test_from_the_computer_to_its_part_and_back() -> None:
    host = host_of_hardware()
    found = [*host.associators('Win32_ComputerSystem="web1"', result_class="Win32_Processor")]
    assert len(found) == 2
    back = host.associators(found[0], assoc_class="Win32_ComputerSystemProcessor")
    assert [row["Name"] for row in back] == ["web1"]
    assert len(everything(host, "Win32_ComputerSystemProcessor", "PartComponent")) == 2
    assert all(host.get(path)["Caption"] for path in everything(host, "Win32_ComputerSystemProcessor", "PartComponent"))
