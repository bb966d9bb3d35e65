"""The table of the ledger: what the door received in each minute, and what became of it."""

from __future__ import annotations

from constructs import Construct

from infra.constructs.table import table, text
from infra.settings import Settings
from infra.topology import Topology


class LedgerTable(Construct):
    """Its items expire by themselves."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_)
        self.table = table(
            self,
            "Table",
            name=topology.ledger_table,
            hash_key=text("pk"),
            range_key=text("sk"),
            settings=settings,
            expires="expires_at",
        )
