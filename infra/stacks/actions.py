"""Actions: dispatched to the outside, for each use case that declares them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.assets import Assets
from infra.constructs.alarms import LATE_MS, WINDOW, Alarms
from infra.constructs.dispatch import ActionDispatch
from infra.constructs.streams import NamedStreams
from infra.settings import Settings
from infra.topology import Dispatch, Topology


class ActionsStack(cdk.Stack):
    """Reads ingestion's streams by name; there is one where a use case declares actions."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        topology: Topology,
        topic: sns.ITopic,
        settings: Settings,
        assets: Assets,
    ) -> None:
        super().__init__(scope, id_, description="SDP: actions sent to the outside")
        self._settings = settings
        letters = {s.use_case: s for s in topology.dead_letter_streams}
        dispatches = topology.dispatches
        needed = [*(d.stream for d in dispatches), *(letters[d.use_case] for d in dispatches)]
        streams = NamedStreams(self, "Streams", streams=needed).by_key
        for dispatch in dispatches:
            letter = letters[dispatch.use_case]
            built = ActionDispatch(
                self,
                dispatch.use_case,
                dispatch=dispatch,
                dispatching=settings.dispatching[dispatch.use_case],
                actions=streams[dispatch.stream.key],
                letters=letter,
                letter_stream=streams[letter.key],
                settings=settings,
                assets=assets,
            )
            self._watch(Alarms(self, f"{dispatch.use_case}-watch", topic=topic), dispatch, built)

    def _watch(self, alarms: Alarms, dispatch: Dispatch, built: ActionDispatch) -> None:
        for name, function in built.functions.items():
            alarms.function(f"dispatch-{name}", function)
            dead = self._metric("ActionsDead", f"{name}function")
            description = f"{dispatch.use_case}: actions for the {name} became dead letters."
            if name != "decide":
                alarms.above(f"{name}-dead", dead, description)
        age = built.functions["decide"].metric("IteratorAge", period=WINDOW, statistic="Maximum")
        late = f"{dispatch.use_case}: actions are decided more than 5 minutes after they were made."
        alarms.above("dispatch-late", age, late, threshold=LATE_MS, periods=3)
        waiting = {
            "failed-batches": (built.failed, "a batch of actions was given up"),
            "poison": (built.poison, "a message stopped its function again and again"),
        }
        for name, (queue, what) in waiting.items():
            visible = queue.metric_approximate_number_of_messages_visible(
                period=WINDOW, statistic="Maximum"
            )
            alarms.above(name, visible, f"{dispatch.use_case}: {what}; it is in the queue.")
        alarms.table("dispatch", built.table)

    def _metric(self, name: str, service: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=self._settings.metrics_namespace,
            metric_name=name,
            dimensions_map={"service": service},
            statistic="Sum",
            period=WINDOW,
        )
