//! A DNS record as `AWS::Route53::RecordSet` and `RecordSetGroup` have it.

use super::route53::{is_same_name, name};
use crate::resource::{Desired, Failure, Fault, Result, Set};
use aws_sdk_route53::types::{self, ResourceRecord, ResourceRecordSet};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Record {
    /// The AWS resource that answers in its place.
    pub alias_target: Option<AliasTarget>,
    /// The range of callers that it is for.
    pub cidr_routing_config: Option<CidrRoutingConfig>,
    /// Whether it answers first, or only when the first is unhealthy.
    #[schemars(extend("enum" = ["PRIMARY", "SECONDARY"]))]
    pub failover: Option<String>,
    /// The place of the callers that it is for.
    pub geo_location: Option<GeoLocation>,
    /// The place that it serves callers around.
    pub geo_proximity_location: Option<GeoProximityLocation>,
    /// The health check that it answers by.
    pub health_check_id: Option<String>,
    /// Whether it is one of several that are answered together.
    pub multi_value_answer: Option<bool>,
    /// Its domain name.
    pub name: String,
    /// The region that it is in: the one with the lowest latency answers.
    pub region: Option<String>,
    /// Its values.
    pub resource_records: Option<Set<String>>,
    /// What tells it from others of its name and type.
    pub set_identifier: Option<String>,
    /// Seconds that resolvers keep it.
    #[serde(rename = "TTL")]
    pub ttl: Option<String>,
    /// Its type.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = [
        "A", "AAAA", "CAA", "CNAME", "DS", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SOA", "SPF",
        "SRV", "SSHFP", "SVCB", "TLSA", "TXT",
    ]))]
    pub kind: String,
    /// Its share among the weights of its name and type, 0 to 255.
    pub weight: Option<i64>,
}

/// An AWS resource that answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AliasTarget {
    /// Its domain name.
    #[serde(rename = "DNSName")]
    pub dns_name: String,
    /// Whether its health counts.
    pub evaluate_target_health: Option<bool>,
    /// The zone of that name, which its service documents.
    pub hosted_zone_id: String,
}

/// A range of callers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CidrRoutingConfig {
    /// The collection of ranges.
    pub collection_id: String,
    /// The name of the range in it, or `*`.
    pub location_name: String,
}

/// A place of callers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct GeoLocation {
    /// The continent.
    pub continent_code: Option<String>,
    /// The country, or `*` for everywhere else.
    pub country_code: Option<String>,
    /// The state of the United States or the oblast of Ukraine.
    pub subdivision_code: Option<String>,
}

/// A place that callers are near to or far from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct GeoProximityLocation {
    /// The region.
    #[serde(rename = "AWSRegion")]
    pub aws_region: Option<String>,
    /// Widens the area from which callers come, or narrows it: -99 to 99.
    pub bias: Option<i32>,
    /// The coordinates.
    pub coordinates: Option<Coordinates>,
    /// The local zone group.
    pub local_zone_group: Option<String>,
}

/// Coordinates in degrees, two decimals at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Coordinates {
    /// North is positive.
    pub latitude: String,
    /// East is positive.
    pub longitude: String,
}

impl Record {
    /// Returns what sets it apart from the other records of a set.
    pub(super) fn set_identifier(&self) -> &str {
        self.set_identifier.as_deref().unwrap_or_default()
    }

    /// Whether a record that Route 53 has is this one, with whatever values.
    pub(super) fn is(&self, other: &ResourceRecordSet) -> bool {
        is_same_name(&self.name, &other.name)
            && self.kind == other.r#type.as_str()
            && self.set_identifier() == other.set_identifier.as_deref().unwrap_or_default()
    }

    /// Returns the record as the SDK takes it.
    pub(super) fn sdk(&self) -> Result<ResourceRecordSet> {
        let ttl = self.ttl.as_deref().map(str::parse).transpose();
        let ttl = ttl.map_err(|_| Failure::refused("TTL is a number of seconds"))?;
        // Their order means nothing, and two records are compared.
        let mut values: Vec<_> = self.resource_records.iter().flat_map(|all| all.iter()).collect();
        values.sort();
        let values = values.into_iter().map(|value| ResourceRecord::builder().value(value).build());
        let values = values.collect::<std::result::Result<Vec<_>, _>>()?;
        let set = ResourceRecordSet::builder()
            .set_alias_target(self.alias_target.as_ref().map(AliasTarget::sdk).transpose()?)
            .set_cidr_routing_config(
                self.cidr_routing_config.as_ref().map(CidrRoutingConfig::sdk).transpose()?,
            )
            .set_failover(self.failover.as_deref().map(Into::into))
            .set_geo_location(self.geo_location.as_ref().map(GeoLocation::sdk))
            .set_geo_proximity_location(
                self.geo_proximity_location.as_ref().map(GeoProximityLocation::sdk).transpose()?,
            )
            .set_health_check_id(self.health_check_id.clone())
            .set_multi_value_answer(self.multi_value_answer)
            .name(&self.name)
            .set_region(self.region.as_deref().map(Into::into))
            .set_resource_records((!values.is_empty()).then_some(values))
            .set_set_identifier(self.set_identifier.clone().filter(|text| !text.is_empty()))
            .set_ttl(ttl)
            .r#type(self.kind.as_str().into())
            .set_weight(self.weight);
        Ok(set.build()?)
    }
}

impl From<ResourceRecordSet> for Record {
    fn from(set: ResourceRecordSet) -> Self {
        let values = set.resource_records.map(|all| all.into_iter().map(|r| r.value).collect());
        Self {
            alias_target: set.alias_target.map(Into::into),
            cidr_routing_config: set.cidr_routing_config.map(|range| CidrRoutingConfig {
                collection_id: range.collection_id,
                location_name: range.location_name,
            }),
            failover: set.failover.map(|failover| failover.as_str().to_owned()),
            geo_location: set.geo_location.map(Into::into),
            geo_proximity_location: set.geo_proximity_location.map(Into::into),
            health_check_id: set.health_check_id,
            multi_value_answer: set.multi_value_answer,
            name: name(&set.name),
            region: set.region.map(|region| region.as_str().to_owned()),
            resource_records: values,
            set_identifier: set.set_identifier,
            ttl: set.ttl.map(|seconds| seconds.to_string()),
            kind: set.r#type.as_str().to_owned(),
            weight: set.weight,
        }
    }
}

impl AliasTarget {
    fn sdk(&self) -> Result<types::AliasTarget> {
        let target = types::AliasTarget::builder()
            .dns_name(&self.dns_name)
            .evaluate_target_health(self.evaluate_target_health.unwrap_or_default())
            .hosted_zone_id(&self.hosted_zone_id);
        Ok(target.build()?)
    }
}

impl From<types::AliasTarget> for AliasTarget {
    fn from(target: types::AliasTarget) -> Self {
        Self {
            dns_name: name(&target.dns_name),
            evaluate_target_health: Some(target.evaluate_target_health),
            hosted_zone_id: target.hosted_zone_id,
        }
    }
}

impl CidrRoutingConfig {
    fn sdk(&self) -> Result<types::CidrRoutingConfig> {
        let range = types::CidrRoutingConfig::builder().collection_id(&self.collection_id);
        Ok(range.location_name(&self.location_name).build()?)
    }
}

impl GeoLocation {
    fn sdk(&self) -> types::GeoLocation {
        types::GeoLocation::builder()
            .set_continent_code(self.continent_code.clone())
            .set_country_code(self.country_code.clone())
            .set_subdivision_code(self.subdivision_code.clone())
            .build()
    }
}

impl From<types::GeoLocation> for GeoLocation {
    fn from(place: types::GeoLocation) -> Self {
        Self {
            continent_code: place.continent_code,
            country_code: place.country_code,
            subdivision_code: place.subdivision_code,
        }
    }
}

impl GeoProximityLocation {
    fn sdk(&self) -> Result<types::GeoProximityLocation> {
        let coordinates = self.coordinates.as_ref().map(|place| {
            let built = types::Coordinates::builder().latitude(&place.latitude);
            built.longitude(&place.longitude).build()
        });
        Ok(types::GeoProximityLocation::builder()
            .set_aws_region(self.aws_region.clone())
            .set_bias(self.bias)
            .set_coordinates(coordinates.transpose()?)
            .set_local_zone_group(self.local_zone_group.clone())
            .build())
    }
}

impl From<types::GeoProximityLocation> for GeoProximityLocation {
    fn from(place: types::GeoProximityLocation) -> Self {
        Self {
            aws_region: place.aws_region,
            bias: place.bias,
            coordinates: place
                .coordinates
                .map(|place| Coordinates { latitude: place.latitude, longitude: place.longitude }),
            local_zone_group: place.local_zone_group,
        }
    }
}

/// Returns the faults of a record's properties, whose paths begin with
/// `prefix`.
pub(super) fn faults(record: Desired<'_>, prefix: &str) -> Vec<Fault> {
    let is_set = |name: &str| record.0.get(name).is_some_and(|value| !value.is_null());
    let mut faults = Vec::new();
    let mut fault = |property: &str, message: &str| {
        faults.push(Fault::new(format!("{prefix}{property}"), message));
    };
    if is_set("AliasTarget") == is_set("ResourceRecords") {
        fault("ResourceRecords", "write either its values, ResourceRecords, or an AliasTarget");
    }
    if is_set("AliasTarget") && is_set("TTL") {
        fault("TTL", "an alias has its target's TTL: leave it out");
    }
    if is_set("ResourceRecords") && !is_set("TTL") {
        fault("TTL", "say how many seconds resolvers keep it: TTL: '60'");
    }
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty();
    if record.text("TTL").is_some_and(|text| !is_number(text)) {
        fault("TTL", "write a number of seconds: TTL: '60'");
    }
    let policies = POLICIES.iter().filter(|name| is_set(name)).count();
    if policies > 1 {
        fault("SetIdentifier", &format!("a record has one of {}", POLICIES.join(", ")));
    }
    if (policies > 0) != is_set("SetIdentifier") {
        fault(
            "SetIdentifier",
            "it tells the records of a routing policy apart: write both or none",
        );
    }
    let values = record.0.get("ResourceRecords").and_then(Value::as_array).map_or(0, Vec::len);
    let takes_one = ["Region", "Weight"].iter().any(|policy| is_set(policy));
    if values > 1 && (takes_one || record.text("Type") == Some("CNAME")) {
        fault("ResourceRecords", "a CNAME and a record with Region or Weight have one value");
    }
    let answers = record.0.get("MultiValueAnswer") == Some(&Value::Bool(true));
    if answers && (is_set("AliasTarget") || record.text("Type") == Some("CNAME")) {
        fault("MultiValueAnswer", "neither an alias nor a CNAME can be one of several answers");
    }
    let target = record.text("AliasTarget/DNSName").unwrap_or_default();
    if target.ends_with('.') || target.bytes().any(|byte| byte.is_ascii_uppercase()) {
        let right = name(target).to_ascii_lowercase();
        fault(
            "AliasTarget/DNSName",
            &format!("write it without the last dot, in lower case: {right}"),
        );
    }
    if record.get("Weight").and_then(Value::as_i64).is_some_and(|w| !(0..=255).contains(&w)) {
        fault("Weight", "write 0 to 255");
    }
    faults
}

/// The properties of which each is a routing policy.
const POLICIES: &[&str] = &[
    "CidrRoutingConfig",
    "Failover",
    "GeoLocation",
    "GeoProximityLocation",
    "MultiValueAnswer",
    "Region",
    "Weight",
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(record: Value) -> Vec<String> {
        faults(Desired(&record), "").into_iter().map(|fault| fault.property).collect()
    }

    #[test]
    fn a_record_has_values_or_is_an_alias() {
        let target = json!({"DNSName": "a.net", "HostedZoneId": "Z1"});
        assert!(paths(json!({"ResourceRecords": ["192.0.2.1"], "TTL": "60"})).is_empty());
        assert!(paths(json!({ "AliasTarget": target })).is_empty());
        assert_eq!(paths(json!({"TTL": "60"})), ["ResourceRecords"]);
        assert_eq!(paths(json!({"AliasTarget": target, "TTL": "60"})), ["TTL"]);
        assert_eq!(paths(json!({"ResourceRecords": ["x"], "TTL": "1 min"})), ["TTL"]);
    }

    #[test]
    fn a_routing_policy_needs_an_identifier() {
        let with = |name: &str, value: Value| {
            let mut record = json!({"ResourceRecords": ["x"], "TTL": "60"});
            record[name] = value;
            paths(record)
        };
        assert_eq!(with("Failover", json!("PRIMARY")), ["SetIdentifier"]);
        assert_eq!(with("SetIdentifier", json!("x")), ["SetIdentifier"]);
    }

    #[test]
    fn some_records_have_one_value() {
        let two = json!({"ResourceRecords": ["a", "b"], "TTL": "60", "SetIdentifier": "x"});
        let with = |name: &str, value: Value| {
            let mut record = two.clone();
            record[name] = value;
            paths(record)
        };
        assert!(with("Failover", json!("PRIMARY")).is_empty());
        assert_eq!(with("Weight", json!(1)), ["ResourceRecords"]);
        let mut cname = two.clone();
        cname["MultiValueAnswer"] = json!(true);
        cname["Type"] = json!("CNAME");
        assert_eq!(paths(cname), ["ResourceRecords", "MultiValueAnswer"]);
    }

    #[test]
    fn a_record_comes_back_as_it_was_sent() {
        let record = Record {
            alias_target: Some(AliasTarget {
                dns_name: "target.net".to_owned(),
                evaluate_target_health: Some(true),
                hosted_zone_id: "Z1".to_owned(),
            }),
            geo_location: Some(GeoLocation {
                country_code: Some("*".into()),
                ..Default::default()
            }),
            name: "*.a.net".to_owned(),
            kind: "A".to_owned(),
            set_identifier: Some("x".to_owned()),
            ..Record::default()
        };
        let mut sent = record.sdk().expect("a whole record");
        sent.name = "\\052.a.net.".to_owned();
        assert!(record.is(&sent));
        assert_eq!(Record::from(sent), record);
    }
}
