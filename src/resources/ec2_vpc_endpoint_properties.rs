//! The nested properties of VPC endpoints, and what EC2 refuses of the others.

use crate::resource::{Changes, Desired, Fault, Fixed, Set};
use aws_sdk_ec2::types::{DnsOptions as Received, DnsOptionsSpecification};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The names of an interface endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DnsOptions {
    /// Which addresses its names have.
    #[schemars(extend("enum" = [
        "ipv4", "ipv6", "dualstack", "service-defined", "not-specified"
    ]))]
    pub dns_record_ip_type: Option<String>,
    /// Whether only inbound resolvers get the private names; the VPC's own
    /// traffic then takes a gateway endpoint.
    #[schemars(extend("enum" = [
        "OnlyInboundResolver", "AllResolvers", "NotSpecified"
    ]))]
    pub private_dns_only_for_inbound_resolver_endpoint: Option<String>,
    /// Which domains of a service network get private names.
    #[schemars(extend("enum" = [
        "VERIFIED_DOMAINS_ONLY", "ALL_DOMAINS", "VERIFIED_DOMAINS_AND_SPECIFIED_DOMAINS",
        "SPECIFIED_DOMAINS_ONLY"
    ]))]
    pub private_dns_preference: Option<Fixed<String>>,
    /// The domains, where the preference is for specified ones.
    pub private_dns_specified_domains: Option<Fixed<Set<String>>>,
}

impl DnsOptions {
    /// Returns the options as calls take them.
    pub(super) fn sent(&self) -> DnsOptionsSpecification {
        let inbound = self.private_dns_only_for_inbound_resolver_endpoint.as_deref();
        DnsOptionsSpecification::builder()
            .set_dns_record_ip_type(self.dns_record_ip_type.as_deref().map(Into::into))
            .set_private_dns_only_for_inbound_resolver_endpoint(match inbound {
                Some("OnlyInboundResolver") => Some(true),
                Some("AllResolvers") => Some(false),
                _ => None,
            })
            .set_private_dns_preference(self.private_dns_preference.as_deref().cloned())
            .set_private_dns_specified_domains(
                self.private_dns_specified_domains.as_deref().map(|domains| domains.0.clone()),
            )
            .build()
    }

    /// Returns the options as calls take them, with EC2's own for those that
    /// are no longer set: records like the endpoint's addresses, for all
    /// resolvers.
    pub(super) fn over(
        mut self,
        live: Option<&Self>,
        address_type: &str,
        changes: &Changes,
    ) -> DnsOptionsSpecification {
        let changes_to = |name: &str| {
            let mut paths = changes.0.iter().map(|change| change.path.as_str());
            paths.any(|path| path == "DnsOptions" || path.strip_prefix("DnsOptions/") == Some(name))
        };
        if self.dns_record_ip_type.is_none() && changes_to("DnsRecordIpType") {
            self.dns_record_ip_type = Some(address_type.to_owned());
        }
        let inbound = &mut self.private_dns_only_for_inbound_resolver_endpoint;
        // Most services know no such option.
        let is_limited = live.is_some_and(|live| {
            live.private_dns_only_for_inbound_resolver_endpoint.as_deref()
                == Some("OnlyInboundResolver")
        });
        if inbound.is_none() && is_limited && changes_to("PrivateDnsOnlyForInboundResolverEndpoint")
        {
            *inbound = Some("AllResolvers".to_owned());
        }
        self.sent()
    }

    /// Reads the options as EC2 returns them.
    pub(super) fn received(options: Received) -> Self {
        let inbound = |only| if only { "OnlyInboundResolver" } else { "AllResolvers" };
        Self {
            dns_record_ip_type: options.dns_record_ip_type.map(|kind| kind.to_string()),
            private_dns_only_for_inbound_resolver_endpoint: options
                .private_dns_only_for_inbound_resolver_endpoint
                .map(|only| inbound(only).to_owned()),
            private_dns_preference: options.private_dns_preference.map(Fixed),
            private_dns_specified_domains: options
                .private_dns_specified_domains
                .map(|domains| Fixed(Set(domains))),
        }
    }
}

/// The properties that not every type of endpoint has.
const OF_TYPES: &[(&str, &[&str])] = &[
    ("DnsOptions", &["Interface", "Resource", "ServiceNetwork"]),
    ("PolicyDocument", &["Gateway", "Interface"]),
    ("PrivateDnsEnabled", &["Interface", "Resource", "ServiceNetwork"]),
    ("RouteTableIds", &["Gateway"]),
    ("SecurityGroupIds", &["Interface", "Resource", "ServiceNetwork"]),
    ("SubnetIds", &["GatewayLoadBalancer", "Interface", "Resource", "ServiceNetwork"]),
    ("ResourceConfigurationArn", &["Resource"]),
    ("ServiceNetworkArn", &["ServiceNetwork"]),
];

/// The services that have gateway endpoints.
const BY_ROUTES: &[&str] = &["dynamodb", "s3", "s3express"];

/// Returns the properties that an endpoint of its type cannot have, and those
/// that it lacks.
pub(super) fn check(desired: Desired<'_>) -> Vec<Fault> {
    let kind = desired.text_or("VpcEndpointType", "Gateway");
    // Not much is known of tunnels.
    let Some(kind) = kind.filter(|kind| *kind != "Tunnel") else { return Vec::new() };
    let is_empty = |value: &Value| match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !is_empty(value));
    let mut faults: Vec<_> = OF_TYPES
        .iter()
        .filter(|(name, types)| is_set(name) && !types.contains(&kind))
        .map(|(name, types)| {
            let types = types.join(" or ");
            Fault::new(
                *name,
                format!("an endpoint of type {kind} has none: set VpcEndpointType to {types}, or leave it out"),
            )
        })
        .collect();
    let service = desired.text("ServiceName").and_then(|name| name.rsplit('.').next());
    if kind == "Gateway" && service.is_some_and(|service| !BY_ROUTES.contains(&service)) {
        faults.push(Fault::new(
            "VpcEndpointType",
            "only S3 and DynamoDB have gateway endpoints: set VpcEndpointType to Interface",
        ));
    }
    let has_interfaces = matches!(kind, "GatewayLoadBalancer" | "Interface");
    if has_interfaces && !is_set("SubnetIds") {
        faults.push(Fault::new(
            "SubnetIds",
            format!("an endpoint of type {kind} has interfaces in subnets: name them"),
        ));
    }
    if (has_interfaces || kind == "Gateway") && !is_set("ServiceName") {
        faults.push(Fault::new(
            "ServiceName",
            format!("an endpoint of type {kind} leads to a service: set it"),
        ));
    }
    faults
}
