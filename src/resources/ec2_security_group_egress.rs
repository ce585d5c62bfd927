//! `AWS::EC2::SecurityGroupEgress`: a single rule for what may go out of a
//! security group.

use super::ec2_security_group_calls::{Direction, create, describe_rule, find, read, remove};
use super::ec2_security_group_check::{DESTINATIONS, rule_faults};
use super::ec2_security_group_properties::{Egress, Rule};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Id, Live, Meta, Recorded, Resource, Result,
};
use aws_sdk_ec2::types::SecurityGroupRule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rule. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-securitygroupegress.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SecurityGroupEgress {
    /// The group that it is a rule of.
    pub group_id: Fixed<String>,
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol's number, or `-1` for all.
    pub ip_protocol: Fixed<String>,
    /// The first port, or the type of ICMP messages.
    #[schemars(range(min = -1))]
    pub from_port: Option<Fixed<i32>>,
    /// The last port, or the code of ICMP messages.
    #[schemars(range(min = -1))]
    pub to_port: Option<Fixed<i32>>,
    /// The block of IPv4 addresses that is at the other end.
    pub cidr_ip: Option<Fixed<String>>,
    /// The block of IPv6 addresses.
    pub cidr_ipv6: Option<Fixed<String>>,
    /// The prefix list.
    pub destination_prefix_list_id: Option<Fixed<String>>,
    /// The security group.
    pub destination_security_group_id: Option<Fixed<String>>,
    /// What the rule is for.
    #[schemars(length(max = 255))]
    pub description: Option<String>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub id: Early<String>,
}

impl Resource for SecurityGroupEgress {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::SecurityGroupEgress");

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        rule_faults(desired.0, DESTINATIONS)
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        find(self.group(), Direction::Out, cx).await
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let found = read(id.as_str(), cx).await?;
        Ok(found.map(|found| Live {
            id: id.clone(),
            properties: Self::received(&found),
            attributes: Attributes::of(id),
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else {
            let id = create(self.group(), Direction::Out, self.rule(), cx).await?;
            return Ok(Attributes::of(&id));
        };
        if changes.has("Description") {
            describe_rule(self.group(), live.id.as_str(), &self.rule(), cx).await?;
        }
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let group = recorded.applied.as_ref().map(|rule| rule.group_id.0.clone());
        remove(recorded.id.as_str(), group, Direction::Out, cx).await
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { id: Early(id.to_string()) }
    }
}

impl SecurityGroupEgress {
    fn group(&self) -> &str {
        &self.group_id.0
    }

    fn rule(&self) -> Rule {
        let text = |property: &Option<Fixed<String>>| property.as_deref().cloned();
        Rule::from(&Egress {
            ip_protocol: self.ip_protocol.0.clone(),
            from_port: self.from_port.as_deref().copied(),
            to_port: self.to_port.as_deref().copied(),
            cidr_ip: text(&self.cidr_ip),
            cidr_ipv6: text(&self.cidr_ipv6),
            destination_prefix_list_id: text(&self.destination_prefix_list_id),
            destination_security_group_id: text(&self.destination_security_group_id),
            description: self.description.clone(),
        })
    }

    fn received(found: &SecurityGroupRule) -> Self {
        let rule = Egress::from(Rule::of(found));
        Self {
            group_id: Fixed(found.group_id.clone().unwrap_or_default()),
            ip_protocol: Fixed(rule.ip_protocol),
            from_port: rule.from_port.map(Fixed),
            to_port: rule.to_port.map(Fixed),
            cidr_ip: rule.cidr_ip.map(Fixed),
            cidr_ipv6: rule.cidr_ipv6.map(Fixed),
            destination_prefix_list_id: rule.destination_prefix_list_id.map(Fixed),
            destination_security_group_id: rule.destination_security_group_id.map(Fixed),
            description: rule.description,
        }
    }
}
