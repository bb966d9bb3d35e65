"""The tables of definitions: one for each use case with definitions or a model, every version."""

from __future__ import annotations

from constructs import Construct

from infra.constructs.table import table, text
from infra.settings import Settings
from infra.topology import Topology


class DefinitionsTables(Construct):
    """Paid per request, encrypted, restorable to any second of the last 35 days."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self.by_use_case = {
            use_case: table(
                self,
                use_case,
                name=name,
                hash_key=text("pk"),
                range_key=text("sk"),
                settings=settings,
            )
            for use_case, name in topology.definitions_tables.items()
        }
