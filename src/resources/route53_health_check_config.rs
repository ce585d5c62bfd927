//! What an `AWS::Route53::HealthCheck` checks, and how.

use crate::resource::{Desired, Fault, Fixed, Result, Set};
use aws_sdk_route53::types::{self, HealthCheckRegion};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// What is checked, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct HealthCheckConfig {
    /// The alarm whose state counts.
    pub alarm_identifier: Option<AlarmIdentifier>,
    /// The health checks that are summed up.
    #[schemars(length(max = 256))]
    pub child_health_checks: Option<Set<String>>,
    /// Whether the host name is sent in the TLS handshake.
    #[serde(rename = "EnableSNI")]
    pub enable_sni: Option<bool>,
    /// How many checks in a row turn the verdict.
    #[schemars(range(min = 1, max = 10))]
    pub failure_threshold: Option<i32>,
    /// The host that is probed, or only named where there is an address.
    #[schemars(length(max = 255))]
    pub fully_qualified_domain_name: Option<String>,
    /// How many of the summed-up checks must be healthy.
    #[schemars(range(min = 0, max = 256))]
    pub health_threshold: Option<i32>,
    /// The address that is probed.
    #[serde(rename = "IPAddress")]
    #[schemars(length(max = 45))]
    pub ip_address: Option<String>,
    /// The verdict while the alarm lacks data.
    #[schemars(extend("enum" = ["Healthy", "LastKnownStatus", "Unhealthy"]))]
    pub insufficient_data_health_status: Option<String>,
    /// Whether the verdict is turned round.
    pub inverted: Option<bool>,
    /// Whether latency is measured and drawn in Route 53's console.
    pub measure_latency: Option<Fixed<bool>>,
    /// The port that is probed.
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<i32>,
    /// Where it is probed from, three regions at least.
    #[schemars(length(min = 3, max = 64))]
    #[schemars(extend("items" = {"type": "string", "enum": [
        "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "eu-west-1", "sa-east-1",
        "us-east-1", "us-west-1", "us-west-2",
    ]}))]
    pub regions: Option<Set<String>>,
    /// Seconds between the probes of one prober: 10 or 30.
    #[schemars(range(min = 10, max = 30))]
    pub request_interval: Option<Fixed<i32>>,
    /// The path that is asked for: a GET must answer 2xx or 3xx.
    #[schemars(length(max = 255))]
    pub resource_path: Option<String>,
    /// The routing control whose state counts.
    #[schemars(length(min = 1, max = 255))]
    pub routing_control_arn: Option<Fixed<String>>,
    /// The text that the first 5,120 bytes of the answer must hold.
    #[schemars(length(max = 255))]
    pub search_string: Option<String>,
    /// What kind of check it is.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = [
        "CALCULATED", "CLOUDWATCH_METRIC", "HTTP", "HTTPS", "HTTPS_STR_MATCH", "HTTP_STR_MATCH",
        "RECOVERY_CONTROL", "TCP",
    ]))]
    pub kind: Fixed<String>,
}

/// An alarm.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AlarmIdentifier {
    /// Its name.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Its region.
    #[schemars(extend("enum" = [
        "af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2",
        "ap-northeast-3", "ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2",
        "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
        "ca-central-1", "ca-west-1", "cn-north-1", "cn-northwest-1", "eu-central-1",
        "eu-central-2", "eu-isoe-west-1", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1",
        "eu-west-2", "eu-west-3", "eusc-de-east-1", "il-central-1", "me-central-1", "me-south-1",
        "mx-central-1", "sa-east-1", "us-east-1", "us-east-2", "us-gov-east-1", "us-gov-west-1",
        "us-iso-east-1", "us-iso-west-1", "us-isob-east-1", "us-isob-west-1", "us-isof-east-1",
        "us-isof-south-1", "us-west-1", "us-west-2",
    ]))]
    pub region: String,
}

impl HealthCheckConfig {
    /// Returns the checks that are summed up.
    pub(super) fn children(&self) -> Option<Vec<String>> {
        self.child_health_checks.as_ref().map(|children| children.0.clone())
    }

    /// Returns the regions that it is probed from.
    pub(super) fn probers(&self) -> Option<Vec<HealthCheckRegion>> {
        let regions = self.regions.as_ref()?;
        Some(regions.iter().map(|region| region.as_str().into()).collect())
    }

    /// Returns the configuration as the SDK takes it.
    pub(super) fn sdk(&self) -> Result<types::HealthCheckConfig> {
        let alarm = self.alarm_identifier.as_ref().map(AlarmIdentifier::sdk).transpose()?;
        let verdict = self.insufficient_data_health_status.as_deref();
        let config = types::HealthCheckConfig::builder()
            .set_alarm_identifier(alarm)
            .set_child_health_checks(self.children())
            .set_enable_sni(self.enable_sni)
            .set_failure_threshold(self.failure_threshold)
            .set_fully_qualified_domain_name(self.fully_qualified_domain_name.clone())
            .set_health_threshold(self.health_threshold)
            .set_insufficient_data_health_status(verdict.map(Into::into))
            .set_inverted(self.inverted)
            .set_ip_address(self.ip_address.clone())
            .set_measure_latency(self.measure_latency.as_deref().copied())
            .set_port(self.port)
            .set_regions(self.probers())
            .set_request_interval(self.request_interval.as_deref().copied())
            .set_resource_path(self.resource_path.clone())
            .set_routing_control_arn(self.routing_control_arn.as_deref().cloned())
            .set_search_string(self.search_string.clone())
            .r#type(self.kind.as_str().into());
        Ok(config.build()?)
    }
}

impl From<types::HealthCheckConfig> for HealthCheckConfig {
    fn from(config: types::HealthCheckConfig) -> Self {
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let regions = config.regions.map(|all| all.iter().map(|r| r.as_str().to_owned()).collect());
        let verdict = config.insufficient_data_health_status;
        let alarm = config.alarm_identifier.map(|alarm| AlarmIdentifier {
            name: alarm.name,
            region: alarm.region.as_str().to_owned(),
        });
        Self {
            alarm_identifier: alarm,
            child_health_checks: config.child_health_checks.map(Set),
            enable_sni: config.enable_sni,
            failure_threshold: config.failure_threshold,
            fully_qualified_domain_name: filled(config.fully_qualified_domain_name),
            health_threshold: config.health_threshold,
            ip_address: filled(config.ip_address),
            insufficient_data_health_status: verdict.map(|status| status.as_str().to_owned()),
            inverted: config.inverted,
            measure_latency: config.measure_latency.map(Fixed),
            port: config.port,
            regions,
            request_interval: config.request_interval.map(Fixed),
            resource_path: filled(config.resource_path),
            routing_control_arn: config.routing_control_arn.map(Fixed),
            search_string: filled(config.search_string),
            kind: Fixed(config.r#type.as_str().to_owned()),
        }
    }
}

impl AlarmIdentifier {
    /// Returns the alarm as the SDK takes it.
    pub(super) fn sdk(&self) -> Result<types::AlarmIdentifier> {
        let alarm = types::AlarmIdentifier::builder().name(&self.name);
        Ok(alarm.region(self.region.as_str().into()).build()?)
    }
}

/// What a type of check must have, and what else it may have, of what not all
/// types have.
fn members(kind: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    const HTTP: &[&str] = &["ResourcePath"];
    const HTTPS: &[&str] = &["EnableSNI", "ResourcePath"];
    Some(match kind {
        "CALCULATED" => (&["ChildHealthChecks"], &["HealthThreshold"]),
        "CLOUDWATCH_METRIC" => (&["AlarmIdentifier"], &["InsufficientDataHealthStatus"]),
        "RECOVERY_CONTROL" => (&["RoutingControlArn"], &[]),
        "HTTP" => (&[], HTTP),
        "HTTPS" => (&[], HTTPS),
        "HTTP_STR_MATCH" => (&["SearchString"], HTTP),
        "HTTPS_STR_MATCH" => (&["SearchString"], HTTPS),
        "TCP" => (&["Port"], &[]),
        _ => return None,
    })
}

/// The members that only some types of check have.
const SPECIAL: &[&str] = &[
    "AlarmIdentifier",
    "ChildHealthChecks",
    "EnableSNI",
    "HealthThreshold",
    "InsufficientDataHealthStatus",
    "ResourcePath",
    "RoutingControlArn",
    "SearchString",
];

/// Returns what Route 53 would refuse.
pub(super) fn faults(desired: Desired<'_>) -> Vec<Fault> {
    let path = |name: &str| format!("HealthCheckConfig/{name}");
    let Some(kind) = desired.text("HealthCheckConfig/Type") else { return Vec::new() };
    let Some((needed, possible)) = members(kind) else { return Vec::new() };
    let config = &desired.0["HealthCheckConfig"];
    let is_set = |name: &&&str| !config[**name].is_null();
    let mut faults: Vec<_> = needed
        .iter()
        .filter(|name| !is_set(name))
        .map(|name| Fault::new(path(name), format!("a check of type {kind} needs {name}")))
        .collect();
    let others = SPECIAL.iter().filter(|name| !needed.contains(name) && !possible.contains(name));
    faults.extend(others.filter(is_set).map(|name| {
        Fault::new(path(name), format!("a check of type {kind} has no {name}: leave it out"))
    }));
    let probes = kind.starts_with("HTTP") || kind == "TCP";
    if probes && !is_set(&&"FullyQualifiedDomainName") && !is_set(&&"IPAddress") {
        let message = "say what is probed: FullyQualifiedDomainName or IPAddress";
        faults.push(Fault::new("HealthCheckConfig", message));
    }
    let of_recovery: &[&str] = &["FailureThreshold", "MeasureLatency", "Port", "RequestInterval"];
    let foreign = match kind {
        "RECOVERY_CONTROL" => of_recovery,
        "CALCULATED" | "CLOUDWATCH_METRIC" => &["Port"],
        _ => &[],
    };
    faults.extend(foreign.iter().filter(is_set).map(|name| {
        Fault::new(path(name), format!("a check of type {kind} has no {name}: leave it out"))
    }));
    let address = config["IPAddress"].as_str().map(str::parse::<IpAddr>);
    match address {
        Some(Err(_)) => {
            faults.push(Fault::new(path("IPAddress"), "write an IPv4 or IPv6 address"));
        }
        Some(Ok(address)) if !is_public(address) => {
            let message = "Route 53 probes public addresses alone: write one, or watch an alarm";
            faults.push(Fault::new(path("IPAddress"), message));
        }
        _ => {}
    }
    let interval = config["RequestInterval"].as_i64();
    if interval.is_some_and(|seconds| seconds != 10 && seconds != 30) {
        faults.push(Fault::new(path("RequestInterval"), "write 10 or 30 seconds"));
    }
    faults
}

/// Whether an address is none of those that are for special uses.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && (64..128).contains(&second);
            !(address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || address.is_documentation()
                || address.is_unspecified()
                || is_shared
                || first >= 224)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn each_type_of_check_has_members_of_its_own() {
        let faults = |config: Value| {
            let faults = super::faults(Desired(&json!({ "HealthCheckConfig": config })));
            faults.into_iter().map(|fault| fault.property).collect::<Vec<_>>()
        };
        let https =
            json!({"Type": "HTTPS", "FullyQualifiedDomainName": "a.net", "EnableSNI": true});
        assert!(faults(https).is_empty());
        assert_eq!(faults(json!({"Type": "HTTPS"})), ["HealthCheckConfig"]);
        assert_eq!(
            faults(json!({"Type": "TCP", "IPAddress": "8.8.8.8", "ResourcePath": "/"})),
            ["HealthCheckConfig/Port", "HealthCheckConfig/ResourcePath"]
        );
        assert_eq!(faults(json!({"Type": "CALCULATED"})), ["HealthCheckConfig/ChildHealthChecks"]);
        for address in ["10.0.0.1", "100.64.0.1", "192.0.2.1", "fd00::1", "nowhere"] {
            let probe = json!({"Type": "HTTP", "IPAddress": address});
            assert_eq!(faults(probe), ["HealthCheckConfig/IPAddress"], "{address}");
        }
        let control = json!({"Type": "RECOVERY_CONTROL", "RoutingControlArn": "a", "Port": 80});
        assert_eq!(faults(control), ["HealthCheckConfig/Port"]);
    }
}
