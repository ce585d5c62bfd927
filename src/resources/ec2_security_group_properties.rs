//! The rules of security groups, as properties and as EC2 has them.

use crate::resource::{Failure, Result};
use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, SecurityGroupRule, SecurityGroupRuleRequest,
    UserIdGroupPair,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A rule for what may come in. It has exactly one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Ingress {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol's number, or `-1` for all.
    pub ip_protocol: String,
    /// The first port, or the type of ICMP messages.
    #[schemars(range(min = -1))]
    pub from_port: Option<i32>,
    /// The last port, or the code of ICMP messages.
    #[schemars(range(min = -1))]
    pub to_port: Option<i32>,
    /// A block of IPv4 addresses.
    pub cidr_ip: Option<String>,
    /// A block of IPv6 addresses.
    pub cidr_ipv6: Option<String>,
    /// A prefix list.
    pub source_prefix_list_id: Option<String>,
    /// A security group.
    pub source_security_group_id: Option<String>,
    /// The account of that security group, if it is another.
    pub source_security_group_owner_id: Option<String>,
    /// What the rule is for.
    #[schemars(length(max = 255))]
    pub description: Option<String>,
}

/// A rule for what may go out. It has exactly one destination.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Egress {
    /// `tcp`, `udp`, `icmp`, `icmpv6`, a protocol's number, or `-1` for all.
    pub ip_protocol: String,
    /// The first port, or the type of ICMP messages.
    #[schemars(range(min = -1))]
    pub from_port: Option<i32>,
    /// The last port, or the code of ICMP messages.
    #[schemars(range(min = -1))]
    pub to_port: Option<i32>,
    /// A block of IPv4 addresses.
    pub cidr_ip: Option<String>,
    /// A block of IPv6 addresses.
    pub cidr_ipv6: Option<String>,
    /// A prefix list.
    pub destination_prefix_list_id: Option<String>,
    /// A security group.
    pub destination_security_group_id: Option<String>,
    /// What the rule is for.
    #[schemars(length(max = 255))]
    pub description: Option<String>,
}

/// A rule of either direction.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    /// The protocol, as EC2 spells it.
    pub protocol: String,
    /// The first port; none where the protocol has no ports.
    pub from: Option<i32>,
    /// The last port.
    pub to: Option<i32>,
    /// Who is at the other end.
    pub peer: Peer,
    /// What it is for.
    pub description: Option<String>,
}

/// The other end of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Peer {
    /// A block of IPv4 addresses.
    V4(String),
    /// A block of IPv6 addresses.
    V6(String),
    /// A prefix list.
    Prefixes(String),
    /// A security group, and the account of it.
    Group(String, Option<String>),
}

/// The protocols that have ports, or types and codes, and their numbers.
pub(super) const WITH_PORTS: &[(&str, &str)] =
    &[("1", "icmp"), ("6", "tcp"), ("17", "udp"), ("58", "icmpv6")];

/// Whether a protocol has ports, or types and codes.
pub(super) fn has_ports(protocol: &str) -> bool {
    WITH_PORTS.iter().any(|(_, name)| *name == protocol)
}

impl From<&Ingress> for Rule {
    fn from(rule: &Ingress) -> Self {
        Self {
            protocol: rule.ip_protocol.clone(),
            from: rule.from_port,
            to: rule.to_port,
            peer: Peer::of(
                rule.cidr_ip.as_ref(),
                rule.cidr_ipv6.as_ref(),
                rule.source_prefix_list_id.as_ref(),
                rule.source_security_group_id.as_ref(),
                rule.source_security_group_owner_id.as_ref(),
            ),
            description: rule.description.clone(),
        }
    }
}

impl From<&Egress> for Rule {
    fn from(rule: &Egress) -> Self {
        Self {
            protocol: rule.ip_protocol.clone(),
            from: rule.from_port,
            to: rule.to_port,
            peer: Peer::of(
                rule.cidr_ip.as_ref(),
                rule.cidr_ipv6.as_ref(),
                rule.destination_prefix_list_id.as_ref(),
                rule.destination_security_group_id.as_ref(),
                None,
            ),
            description: rule.description.clone(),
        }
    }
}

impl From<Rule> for Ingress {
    fn from(rule: Rule) -> Self {
        let [cidr_ip, cidr_ipv6, prefixes, group, owner] = rule.peer.spread();
        Self {
            ip_protocol: rule.protocol,
            from_port: rule.from,
            to_port: rule.to,
            cidr_ip,
            cidr_ipv6,
            source_prefix_list_id: prefixes,
            source_security_group_id: group,
            source_security_group_owner_id: owner,
            description: rule.description,
        }
    }
}

impl From<Rule> for Egress {
    fn from(rule: Rule) -> Self {
        let [cidr_ip, cidr_ipv6, prefixes, group, _] = rule.peer.spread();
        Self {
            ip_protocol: rule.protocol,
            from_port: rule.from,
            to_port: rule.to,
            cidr_ip,
            cidr_ipv6,
            destination_prefix_list_id: prefixes,
            destination_security_group_id: group,
            description: rule.description,
        }
    }
}

impl Peer {
    fn of(
        v4: Option<&String>,
        v6: Option<&String>,
        prefixes: Option<&String>,
        group: Option<&String>,
        owner: Option<&String>,
    ) -> Self {
        match (v4, v6, prefixes) {
            (Some(block), _, _) => Self::V4(block.clone()),
            (_, Some(block), _) => Self::V6(block.clone()),
            (_, _, Some(list)) => Self::Prefixes(list.clone()),
            _ => Self::Group(group.cloned().unwrap_or_default(), owner.cloned()),
        }
    }

    fn spread(self) -> [Option<String>; 5] {
        match self {
            Self::V4(block) => [Some(block), None, None, None, None],
            Self::V6(block) => [None, Some(block), None, None, None],
            Self::Prefixes(list) => [None, None, Some(list), None, None],
            Self::Group(group, owner) => [None, None, None, Some(group), owner],
        }
    }
}

impl Rule {
    /// Returns the rule that EC2 gives to every new group: all may go out.
    pub(super) fn everything() -> Self {
        Self {
            protocol: "-1".to_owned(),
            from: None,
            to: None,
            peer: Peer::V4("0.0.0.0/0".to_owned()),
            description: None,
        }
    }

    /// Whether EC2 gives it to new groups, for IPv4 or IPv6.
    pub(super) fn is_everything(&self) -> bool {
        let all = [Peer::V4("0.0.0.0/0".to_owned()), Peer::V6("::/0".to_owned())];
        self.protocol == "-1" && all.contains(&self.peer)
    }

    /// Whether EC2 takes the two for one rule: only what they are for differs.
    pub(super) fn is(&self, other: &Self) -> bool {
        let peer = |rule: &Self| match rule.peer.clone() {
            // Whose the group is goes without saying.
            Peer::Group(group, _) => Peer::Group(group, None),
            other => other,
        };
        self.protocol == other.protocol
            && (self.from, self.to) == (other.from, other.to)
            && peer(self) == peer(other)
    }

    /// Returns the rule as calls take it.
    pub(super) fn permission(&self) -> IpPermission {
        let description = self.description.clone();
        let permission = IpPermission::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.from)
            .set_to_port(self.to);
        match &self.peer {
            Peer::V4(block) => permission
                .ip_ranges(IpRange::builder().cidr_ip(block).set_description(description).build()),
            Peer::V6(block) => permission.ipv6_ranges(
                Ipv6Range::builder().cidr_ipv6(block).set_description(description).build(),
            ),
            Peer::Prefixes(list) => permission.prefix_list_ids(
                PrefixListId::builder().prefix_list_id(list).set_description(description).build(),
            ),
            Peer::Group(group, owner) => permission.user_id_group_pairs(
                UserIdGroupPair::builder()
                    .group_id(group)
                    .set_user_id(owner.clone())
                    .set_description(description)
                    .build(),
            ),
        }
        .build()
    }

    /// Returns the rule as the call takes it that changes a description.
    pub(super) fn request(&self) -> SecurityGroupRuleRequest {
        let request = SecurityGroupRuleRequest::builder()
            .ip_protocol(&self.protocol)
            .set_from_port(self.from)
            .set_to_port(self.to)
            .description(self.description.as_deref().unwrap_or_default());
        match &self.peer {
            Peer::V4(block) => request.cidr_ipv4(block),
            Peer::V6(block) => request.cidr_ipv6(block),
            Peer::Prefixes(list) => request.prefix_list_id(list),
            Peer::Group(group, _) => request.referenced_group_id(group),
        }
        .build()
    }

    /// Reads the rules of a group as its description has them: by protocol and
    /// ports. `owner` is the group's account.
    pub(super) fn received(permissions: Option<&[IpPermission]>, owner: &str) -> Vec<Self> {
        permissions.unwrap_or_default().iter().flat_map(|of| Self::each(of, owner)).collect()
    }

    fn each(of: &IpPermission, owner: &str) -> Vec<Self> {
        let rule = |peer: Peer, description: Option<&str>| Self {
            peer,
            description: description.filter(|text| !text.is_empty()).map(str::to_owned),
            ..Self::without_peer(of.ip_protocol(), of.from_port(), of.to_port())
        };
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let v4 = of.ip_ranges().iter().map(|r| rule(Peer::V4(text(r.cidr_ip())), r.description()));
        let v6 =
            of.ipv6_ranges().iter().map(|r| rule(Peer::V6(text(r.cidr_ipv6())), r.description()));
        let lists = of
            .prefix_list_ids()
            .iter()
            .map(|l| rule(Peer::Prefixes(text(l.prefix_list_id())), l.description()));
        let groups = of.user_id_group_pairs().iter().map(|pair| {
            let other = pair.user_id().filter(|account| *account != owner).map(str::to_owned);
            rule(Peer::Group(text(pair.group_id()), other), pair.description())
        });
        v4.chain(v6).chain(lists).chain(groups).collect()
    }

    /// Reads a single rule.
    pub(super) fn of(rule: &SecurityGroupRule) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let group = rule.referenced_group_info();
        Self {
            peer: Peer::of(
                text(rule.cidr_ipv4()).as_ref(),
                text(rule.cidr_ipv6()).as_ref(),
                text(rule.prefix_list_id()).as_ref(),
                group.and_then(|group| text(group.group_id())).as_ref(),
                group.and_then(|group| text(group.user_id())).as_ref(),
            ),
            description: text(rule.description()).filter(|text| !text.is_empty()),
            ..Self::without_peer(rule.ip_protocol(), rule.from_port(), rule.to_port())
        }
    }

    fn without_peer(protocol: Option<&str>, from: Option<i32>, to: Option<i32>) -> Self {
        let protocol = protocol.unwrap_or("-1");
        let ports = |port: Option<i32>| port.filter(|_| has_ports(protocol));
        Self {
            protocol: protocol.to_owned(),
            from: ports(from),
            to: ports(to),
            peer: Peer::V4(String::new()),
            description: None,
        }
    }
}

/// Reads the rules that a list property loses.
pub(super) fn rules_of<T>(items: &[Value]) -> Result<Vec<Rule>>
where
    T: for<'de> Deserialize<'de>,
    for<'a> Rule: From<&'a T>,
{
    let read = |item: &Value| {
        let rule = serde_json::from_value::<T>(item.clone());
        let rule =
            rule.map_err(|error| Failure::refused(format!("a rule cannot be read: {error}")));
        rule.map(|rule| Rule::from(&rule))
    };
    items.iter().map(read).collect()
}
