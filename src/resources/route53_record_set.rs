//! `AWS::Route53::RecordSet`: a DNS record.
//!
//! Zone, name, type and set identifier name it, and may change in place. In its
//! zone the old record goes and the new one comes in one batch, so that there
//! is no moment without either; a CNAME may become an alias.

use super::route53::{bare, find_zone, spread, zone_fault, zone_id};
use super::route53_record::{
    AliasTarget, CidrRoutingConfig, GeoLocation, GeoProximityLocation, Record, faults,
};
use super::route53_record_calls::{bring, create, delete, look};
use crate::resource::{
    Changes, Cx, Desired, Fault, Id, Live, Meta, Place, Recorded, Resource, Result, Set, Volatile,
    WriteOnly,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A record. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-route53-recordset.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RecordSet {
    /// The AWS resource that answers in its place.
    pub alias_target: Option<AliasTarget>,
    /// The range of callers that it is for.
    pub cidr_routing_config: Option<CidrRoutingConfig>,
    /// A remark on the change. Route 53 does not keep it.
    #[schemars(length(max = 256))]
    pub comment: Option<WriteOnly<String>>,
    /// Whether it answers first, or only when the first is unhealthy.
    #[schemars(extend("enum" = ["PRIMARY", "SECONDARY"]))]
    pub failover: Option<String>,
    /// The place of the callers that it is for.
    pub geo_location: Option<GeoLocation>,
    /// The place that it serves callers around.
    pub geo_proximity_location: Option<GeoProximityLocation>,
    /// The health check that it answers by.
    #[schemars(length(max = 64))]
    pub health_check_id: Option<String>,
    /// The zone, by its id.
    #[schemars(length(max = 44))]
    pub hosted_zone_id: Option<String>,
    /// The zone, by its name.
    #[schemars(length(max = 256))]
    pub hosted_zone_name: Option<WriteOnly<String>>,
    /// Whether it is one of several that are answered together.
    pub multi_value_answer: Option<bool>,
    /// Its domain name, with the zone's at its end.
    #[schemars(length(max = 1024))]
    pub name: String,
    /// The region that it is in: the one with the lowest latency answers.
    pub region: Option<String>,
    /// Its values.
    pub resource_records: Option<Set<String>>,
    /// What tells it from others of its name and type.
    #[schemars(length(max = 128))]
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

/// What is known of a record.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its domain name.
    pub name: Volatile<String>,
}

impl Resource for RecordSet {
    type Attributes = Attributes;

    const META: Meta = Meta::global("AWS::Route53::RecordSet").reference("Name").takes(40);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let zone = bare(desired.text("HostedZoneId")?);
        let set_identifier = desired.text_or("SetIdentifier", "")?;
        Some(Id::join([desired.text("Name")?, zone, desired.text("Type")?, set_identifier]))
    }

    fn predict(desired: Desired<'_>, _place: &Place) -> Value {
        desired.text("Name").map_or(Value::Null, |name| json!({ "Name": name }))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = faults(desired, "");
        faults.extend(zone_fault(desired));
        faults
    }

    /// The zone that only its name gives is looked up.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let (id, name) = self.given_zone();
        let Some(zone) = find_zone(id, name, cx).await? else { return Ok(None) };
        let found = look(&zone, &self.record(), cx).await?;
        Ok(found.map(|_| self.id(&zone)))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let (wanted, zone) = named(id);
        let Some(found) = look(&zone, &wanted, cx).await? else { return Ok(None) };
        // The spelling is the stack file's.
        let record = Record { name: wanted.name.clone(), ..Record::from(found) };
        Ok(Some(Live {
            id: id.clone(),
            properties: Self::live(record, zone),
            attributes: Attributes { name: Volatile(wanted.name) },
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let attributes = Attributes { name: Volatile(self.name.clone()) };
        match current {
            None => {
                let zone = self.zone(cx).await?;
                let change = create(&zone, &[self.record()], self.comment(), cx).await?;
                cx.created(&self.id(&zone), json!(attributes)).await?;
                spread(change, cx).await?;
            }
            Some(_) if changes.is_empty() => {}
            Some(live) => self.update(live, cx).await?,
        }
        Ok(attributes)
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let (record, zone) = named(&recorded.id);
        let found = look(&zone, &record, cx).await?;
        delete(&zone, found.into_iter().collect(), cx).await
    }
}

/// Returns the record that an identifier names, without its values, and its
/// zone.
fn named(id: &Id) -> (Record, String) {
    let [name, zone, kind, set_identifier] = id.parts::<4>();
    let set_identifier = Some(set_identifier.to_owned()).filter(|text| !text.is_empty());
    let record = Record {
        name: name.to_owned(),
        kind: kind.to_owned(),
        set_identifier,
        ..Record::default()
    };
    (record, zone.to_owned())
}

impl RecordSet {
    /// Returns the zone as the stack file gives it: its id or its name.
    fn given_zone(&self) -> (Option<&str>, Option<&str>) {
        (self.hosted_zone_id.as_deref(), self.hosted_zone_name.as_deref().map(String::as_str))
    }

    async fn zone(&self, cx: &Cx) -> Result<String> {
        let (id, name) = self.given_zone();
        zone_id(id, name, cx).await
    }

    fn id(&self, zone: &str) -> Id {
        let set_identifier = self.set_identifier.as_deref().unwrap_or_default();
        Id::join([&self.name, zone, &self.kind, set_identifier])
    }

    fn comment(&self) -> Option<&str> {
        self.comment.as_deref().map(String::as_str)
    }

    async fn update(&self, live: &Live<Self>, cx: &Cx) -> Result<()> {
        let (before, from) = named(&live.id);
        let to = self.zone(cx).await?;
        let found: Vec<_> = look(&from, &before, cx).await?.into_iter().collect();
        let wanted = [self.record()];
        let change = bring((&from, found), (&to, &wanted), self.comment(), cx).await?;
        let id = self.id(&to);
        if live.id != id {
            cx.created(&id, json!({ "Name": self.name })).await?;
        }
        spread(change, cx).await
    }

    fn record(&self) -> Record {
        Record {
            alias_target: self.alias_target.clone(),
            cidr_routing_config: self.cidr_routing_config.clone(),
            failover: self.failover.clone(),
            geo_location: self.geo_location.clone(),
            geo_proximity_location: self.geo_proximity_location.clone(),
            health_check_id: self.health_check_id.clone(),
            multi_value_answer: self.multi_value_answer,
            name: self.name.clone(),
            region: self.region.clone(),
            resource_records: self.resource_records.clone(),
            set_identifier: self.set_identifier.clone(),
            ttl: self.ttl.clone(),
            kind: self.kind.clone(),
            weight: self.weight,
        }
    }

    fn live(record: Record, zone: String) -> Self {
        Self {
            alias_target: record.alias_target,
            cidr_routing_config: record.cidr_routing_config,
            comment: None,
            failover: record.failover,
            geo_location: record.geo_location,
            geo_proximity_location: record.geo_proximity_location,
            health_check_id: record.health_check_id,
            hosted_zone_id: Some(zone),
            hosted_zone_name: None,
            multi_value_answer: record.multi_value_answer,
            name: record.name,
            region: record.region,
            resource_records: record.resource_records,
            set_identifier: record.set_identifier,
            ttl: record.ttl,
            kind: record.kind,
            weight: record.weight,
        }
    }
}
