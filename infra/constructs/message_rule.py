"""The topic rule of one use case's MQTT messages, and the policy of the things that send them."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_iot as iot
from aws_cdk import aws_kinesis as kinesis
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.topology import Messages

SQL_VERSION = "2016-03-23"
_THING = "${iot:Connection.Thing.ThingName}"


def sql(messages: Messages) -> str:
    """The payload as it is, whatever it is: a rule that reads JSON discards everything else."""
    return (
        "SELECT encode(*, 'base64') AS payload, topic() AS topic, timestamp() AS received_at "
        f"FROM '{messages.mqtt.filter}'"
    )


class MessageRule(Construct):
    """Stores each message of the use case's topics; `failed` receives those that it could not."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        messages: Messages,
        stream: kinesis.Stream,
        failed: lambda_.Function,
    ) -> None:
        super().__init__(scope, id_)
        self._messages = messages
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("iot.amazonaws.com"))
        stream.grant(role, "kinesis:PutRecord")
        rule = self._rule(stream, role, failed)
        # The action may not be tried before the role may do it.
        rule.node.add_dependency(role)
        lambda_.CfnPermission(
            self,
            "Failed",
            action="lambda:InvokeFunction",
            function_name=failed.function_arn,
            principal="iot.amazonaws.com",
            source_account=cdk.Stack.of(self).account,
            source_arn=rule.attr_arn,
        )
        self._policy()

    def _rule(
        self, stream: kinesis.Stream, role: iam.Role, failed: lambda_.Function
    ) -> iot.CfnTopicRule:
        """Of one key's messages the order is kept: the key is the thing, the first level after."""
        level = len(self._messages.mqtt.fixed) + 1
        return iot.CfnTopicRule(
            self,
            "Rule",
            rule_name=self._messages.rule,
            topic_rule_payload=iot.CfnTopicRule.TopicRulePayloadProperty(
                aws_iot_sql_version=SQL_VERSION,
                sql=sql(self._messages),
                description=f"{self._messages.use_case}: MQTT messages into their stream",
                rule_disabled=False,
                actions=[
                    iot.CfnTopicRule.ActionProperty(
                        kinesis=iot.CfnTopicRule.KinesisActionProperty(
                            role_arn=role.role_arn,
                            stream_name=stream.stream_name,
                            partition_key=f"${{topic({level})}}",
                        )
                    )
                ],
                error_action=iot.CfnTopicRule.ActionProperty(
                    lambda_=iot.CfnTopicRule.LambdaActionProperty(function_arn=failed.function_arn)
                ),
            ),
        )

    def _policy(self) -> None:
        """A thing connects under its own name and publishes to its own topics, and nothing else."""
        stack, root = cdk.Stack.of(self), self._messages.mqtt.root

        def arn(kind: str, name: str) -> str:
            return stack.format_arn(service="iot", resource=kind, resource_name=name)

        own = [arn("topic", f"{root}/{_THING}")]
        if len(self._messages.mqtt.fields) > 1:
            own.append(arn("topic", f"{root}/{_THING}/*"))
        policy = iot.CfnPolicy(
            self,
            "Policy",
            policy_name=self._messages.policy,
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "iot:Connect",
                        "Resource": arn("client", _THING),
                        "Condition": {"Bool": {"iot:Connection.Thing.IsAttached": "true"}},
                    },
                    {
                        "Effect": "Allow",
                        "Action": ["iot:Publish", "iot:RetainPublish"],
                        "Resource": own,
                    },
                ],
            },
        )
        cdk.CfnOutput(
            cdk.Stack.of(self), f"PolicyOf{self._messages.use_case.title()}", value=policy.ref
        )
