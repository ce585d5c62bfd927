//! `AWS::Route53::RecordSetGroup`: DNS records of one zone that are made and
//! changed together, in one call. They may move to another zone in place.

use super::route53::{bare, find_zone, spread, zone_fault, zone_id};
use super::route53_record::{Record, faults};
use super::route53_record_calls::{bring, create, delete, look_all};
use crate::resource::{
    Changes, Cx, Desired, Fault, Id, Live, Meta, Place, Recorded, Resource, Result, Volatile,
    WriteOnly,
};
use aws_sdk_route53::types::ResourceRecordSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Records. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-route53-recordsetgroup.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct RecordSetGroup {
    /// A remark on the change. Route 53 does not keep it.
    pub comment: Option<WriteOnly<String>>,
    /// The zone, by its id.
    pub hosted_zone_id: Option<String>,
    /// The zone, by its name.
    pub hosted_zone_name: Option<WriteOnly<String>>,
    /// The records.
    pub record_sets: Option<Vec<Record>>,
}

/// What is known of the records.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Zone and records, which name the group.
    pub id: Volatile<String>,
}

impl Resource for RecordSetGroup {
    type Attributes = Attributes;

    const META: Meta = Meta::global("AWS::Route53::RecordSetGroup").takes(40);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let zone = bare(desired.text("HostedZoneId")?);
        // Their values may be known after apply, what names them is not.
        let records = desired.0.get("RecordSets")?.as_array()?;
        let records = records.iter().map(Desired).map(identified);
        let records = records.collect::<Option<Vec<_>>>()?;
        Some(Id::join(std::iter::once(zone.to_owned()).chain(records)))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let records = desired.0.get("RecordSets").and_then(Value::as_array);
        let mut found: Vec<_> = records
            .into_iter()
            .flatten()
            .enumerate()
            .flat_map(|(index, record)| faults(Desired(record), &format!("RecordSets/{index}/")))
            .collect();
        if records.is_some_and(Vec::is_empty) || desired.0.get("RecordSets").is_none() {
            found.push(Fault::new("RecordSets", "list one record at least"));
        }
        let names: Vec<_> = records.into_iter().flatten().map(Desired).map(identified).collect();
        let is_second =
            |index: &usize| names[*index].is_some() && names[..*index].contains(&names[*index]);
        found.extend((0..names.len()).filter(is_second).map(|index| {
            let message = "another record has its Name, Type and SetIdentifier: list it once";
            Fault::new(format!("RecordSets/{index}"), message)
        }));
        found.extend(zone_fault(desired));
        found
    }

    /// The zone that only its name gives is looked up.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let (id, name) = self.given_zone();
        let Some(zone) = find_zone(id, name, cx).await? else { return Ok(None) };
        let found = look_all(&zone, self.records(), cx).await?;
        Ok((!found.is_empty()).then(|| self.id(&zone)))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let (zone, wanted) = named(id);
        let found = look_all(zone, &wanted, cx).await?;
        if found.is_empty() {
            return Ok(None);
        }
        let record = |set: ResourceRecordSet| {
            // The spelling is the stack file's.
            let name = wanted.iter().find(|wanted| wanted.is(&set)).map(|record| &record.name);
            Record { name: name.cloned().unwrap_or_default(), ..Record::from(set) }
        };
        let properties = Self {
            hosted_zone_id: Some(zone.to_owned()),
            record_sets: Some(found.into_iter().map(record).collect()),
            ..Self::default()
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes::of(id) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        if changes.is_empty() {
            return Ok(Attributes::of(&live.id));
        }
        let (from, before) = named(&live.id);
        let to = self.zone(cx).await?;
        let found = look_all(from, &before, cx).await?;
        let change = bring((from, found), (&to, self.records()), self.comment(), cx).await?;
        let id = self.id(&to);
        if live.id != id {
            cx.created(&id, json!(Attributes::of(&id))).await?;
        }
        spread(change, cx).await?;
        Ok(Attributes::of(&id))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let (zone, records) = named(&recorded.id);
        delete(zone, look_all(zone, &records, cx).await?, cx).await
    }
}

impl RecordSetGroup {
    /// Returns the zone as the stack file gives it: its id or its name.
    fn given_zone(&self) -> (Option<&str>, Option<&str>) {
        (self.hosted_zone_id.as_deref(), self.hosted_zone_name.as_deref().map(String::as_str))
    }

    async fn zone(&self, cx: &Cx) -> Result<String> {
        let (id, name) = self.given_zone();
        zone_id(id, name, cx).await
    }

    fn records(&self) -> &[Record] {
        self.record_sets.as_deref().unwrap_or_default()
    }

    fn comment(&self) -> Option<&str> {
        self.comment.as_deref().map(String::as_str)
    }

    fn id(&self, zone: &str) -> Id {
        let records = self.records().iter();
        let parts = records.map(|record| part(&record.name, &record.kind, record.set_identifier()));
        Id::join(std::iter::once(zone.to_owned()).chain(parts))
    }

    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let zone = self.zone(cx).await?;
        let change = create(&zone, self.records(), self.comment(), cx).await?;
        let id = self.id(&zone);
        let attributes = Attributes::of(&id);
        cx.created(&id, json!(attributes)).await?;
        spread(change, cx).await?;
        Ok(attributes)
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { id: Volatile(id.to_string()) }
    }
}

/// Returns what names a desired record in its zone, where that is known.
fn identified(record: Desired<'_>) -> Option<String> {
    let set_identifier = record.text_or("SetIdentifier", "")?;
    Some(part(record.text("Name")?, record.text("Type")?, set_identifier))
}

/// Returns what names a record in its zone; names and types have no spaces.
fn part(name: &str, kind: &str, set_identifier: &str) -> String {
    if set_identifier.is_empty() {
        return format!("{name} {kind}");
    }
    format!("{name} {kind} {}", set_identifier.replace('%', "%25").replace('|', "%7C"))
}

/// Returns the zone and the records that an identifier names, without values.
fn named(id: &Id) -> (&str, Vec<Record>) {
    let mut parts = id.as_str().split('|');
    let zone = parts.next().unwrap_or_default();
    let record = |part: &str| {
        let mut words = part.splitn(3, ' ').map(str::to_owned);
        let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let set_identifier = words.next().map(|text| text.replace("%7C", "|").replace("%25", "%"));
        Record { name, kind, set_identifier, ..Record::default() }
    };
    (zone, parts.map(record).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_tells_the_records() {
        let parts = [part("a.net", "A", ""), part("*.a.net", "CNAME", "one | 50%")];
        let id = Id::join(std::iter::once("Z1".to_owned()).chain(parts));
        let (zone, records) = named(&id);
        assert_eq!(zone, "Z1");
        assert_eq!((records[0].name.as_str(), records[0].set_identifier()), ("a.net", ""));
        assert_eq!(records[1].set_identifier(), "one | 50%");
    }
}
