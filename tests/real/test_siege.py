"""The packaged unit passes the cases of `make siege`, each shortened."""

import pytest

from tests.lab.systemd import Machine
from tests.lab.systems import SYSTEMS
from tests.siege.cases.table import CASES
from tests.siege.scale import SHORT
from tests.siege.siege import Case, besiege


@pytest.mark.parametrize("machine", SYSTEMS[:1], indirect=True, ids=["own root"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_bound_holds(machine: Machine, case: Case) -> None:
    assert besiege(machine, case, SHORT).problems == ()
