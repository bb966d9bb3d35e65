"""The use cases whose events flow in a run of faults."""

from __future__ import annotations

from tests.local.faults.adtech import AdTech
from tests.local.faults.flow import Flow
from tests.local.faults.machines import Machines
from tests.local.faults.shopping import Shopping

FLOWS: dict[str, type[Flow]] = {"adtech": AdTech, "shopping": Shopping, "machines": Machines}
