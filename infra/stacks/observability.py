"""Observability: the topic that every alarm of the other stacks notifies."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.constructs.streams import removal_policy
from infra.settings import Settings
from infra.topology import Topology

_ALARMS = iam.ServicePrincipal("cloudwatch.amazonaws.com")


class ObservabilityStack(cdk.Stack):
    """Other stacks use its `topic`; subscribe to it to receive alarms."""

    def __init__(
        self, scope: Construct, id_: str, *, topology: Topology, settings: Settings
    ) -> None:
        super().__init__(scope, id_, description="SDP: notifications of alarms")
        self.topic = sns.Topic(
            self,
            "Alarms",
            topic_name=f"{topology.prefix}-alarms",
            master_key=self._key(topology, settings),
            enforce_ssl=True,
        )
        self._let_alarms_publish()
        if settings.alarm_email:
            sns.Subscription(
                self,
                "Email",
                topic=self.topic,
                protocol=sns.SubscriptionProtocol.EMAIL,
                endpoint=settings.alarm_email,
            )
        cdk.CfnOutput(self, "AlarmTopic", value=self.topic.topic_name)

    def _key(self, topology: Topology, settings: Settings) -> kms.Key:
        """Its own key: no alarm may use the one that AWS manages for topics."""
        key = kms.Key(
            self,
            "Key",
            description=f"{topology.prefix}: alarms",
            enable_key_rotation=True,
            removal_policy=removal_policy(settings),
        )
        key.grant(_ALARMS, "kms:Decrypt", "kms:GenerateDataKey*")
        return key

    def _let_alarms_publish(self) -> None:
        self.topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[_ALARMS],
                resources=[self.topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": self.account}},
            )
        )
