//! The calls that read and change the DNS records of a zone.

use super::route53_record::Record;
use crate::resource::{Class, Cx, Found as _, Result};
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ChangeInfo, ResourceRecordSet};

/// Finds a record; its values are as Route 53 has them, which a deletion must
/// repeat.
pub(super) async fn look(
    zone: &str,
    record: &Record,
    cx: &Cx,
) -> Result<Option<ResourceRecordSet>> {
    let request = cx
        .route53()
        .list_resource_record_sets()
        .hosted_zone_id(zone)
        .start_record_name(&record.name)
        .start_record_type(record.kind.as_str().into())
        .set_start_record_identifier(record.set_identifier.clone().filter(|text| !text.is_empty()))
        .max_items(1);
    let operation = "route53:ListResourceRecordSets";
    let answer = cx.observe(operation, || request.clone().send()).await.found()?;
    // The listing starts there, or at what comes after.
    let found = answer.into_iter().flat_map(|answer| answer.resource_record_sets);
    Ok(found.into_iter().find(|found| record.is(found)))
}

/// Finds those of the records that exist, in their order.
pub(super) async fn look_all(
    zone: &str,
    records: &[Record],
    cx: &Cx,
) -> Result<Vec<ResourceRecordSet>> {
    let mut found: Vec<Option<ResourceRecordSet>> = vec![None; records.len()];
    let mut request = cx.route53().list_resource_record_sets().hosted_zone_id(zone);
    while found.iter().any(Option::is_none) {
        let operation = "route53:ListResourceRecordSets";
        let answer = cx.observe(operation, || request.clone().send()).await.found()?;
        let Some(page) = answer else { break };
        for set in page.resource_record_sets {
            if let Some(index) = records.iter().position(|record| record.is(&set)) {
                found[index] = Some(set);
            }
        }
        if !page.is_truncated {
            break;
        }
        request = request
            .set_start_record_name(page.next_record_name)
            .set_start_record_type(page.next_record_type)
            .set_start_record_identifier(page.next_record_identifier);
    }
    Ok(found.into_iter().flatten().collect())
}

/// Leads from the records that a resource has, `found` in the zone `from`, to
/// the desired ones in the zone `to`.
///
/// In one zone that is one batch, so that there is no moment without either. In
/// another zone they are made before the old ones go.
pub(super) async fn bring(
    (from, found): (&str, Vec<ResourceRecordSet>),
    (to, desired): (&str, &[Record]),
    comment: Option<&str>,
    cx: &Cx,
) -> Result<Option<ChangeInfo>> {
    if from == to {
        return change(to, comment, batch(&found, desired)?, cx).await;
    }
    let made = match create(to, desired, comment, cx).await {
        Err(failure) if failure.class == Class::Exists => {
            // A move that was cut off has made them.
            let there = look_all(to, desired, cx).await?;
            if !batch(&there, desired)?.is_empty() {
                return Err(failure);
            }
            None
        }
        answer => answer?,
    };
    delete(from, found, cx).await?;
    Ok(made)
}

/// Returns what leads from records of a zone to the desired ones. One that is
/// new must be new to the zone: another's is not overwritten.
fn batch(
    found: &[ResourceRecordSet],
    desired: &[Record],
) -> Result<Vec<(ChangeAction, ResourceRecordSet)>> {
    let is_kept = |set: &&ResourceRecordSet| desired.iter().any(|record| record.is(set));
    let gone = found.iter().filter(|set| !is_kept(set)).cloned();
    let mut batch: Vec<_> = gone.map(|set| (ChangeAction::Delete, set)).collect();
    for record in desired {
        let wanted = record.sdk()?;
        match found.iter().find(|set| record.is(set)) {
            None => batch.push((ChangeAction::Create, wanted)),
            Some(set) => {
                let live = Record { name: record.name.clone(), ..Record::from(set.clone()) };
                if live.sdk()? != wanted {
                    batch.push((ChangeAction::Upsert, wanted));
                }
            }
        }
    }
    Ok(batch)
}

/// Makes changes to a zone's records, all of them or none.
async fn change(
    zone: &str,
    comment: Option<&str>,
    changes: Vec<(ChangeAction, ResourceRecordSet)>,
    cx: &Cx,
) -> Result<Option<ChangeInfo>> {
    if changes.is_empty() {
        return Ok(None);
    }
    let changes = changes
        .into_iter()
        .map(|(action, set)| Change::builder().action(action).resource_record_set(set).build())
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let batch = ChangeBatch::builder()
        .set_comment(comment.map(str::to_owned))
        .set_changes(Some(changes))
        .build()?;
    let request =
        cx.route53().change_resource_record_sets().hosted_zone_id(zone).change_batch(batch);
    let operation = "route53:ChangeResourceRecordSets";
    let answer = cx.mutate(operation, || request.clone().send()).await?;
    Ok(answer.change_info)
}

/// Makes records that a zone does not have.
pub(super) async fn create(
    zone: &str,
    desired: &[Record],
    comment: Option<&str>,
    cx: &Cx,
) -> Result<Option<ChangeInfo>> {
    change(zone, comment, batch(&[], desired)?, cx).await
}

/// Deletes records; those that are gone are no failure. What the name servers
/// still answer for a moment holds nobody up.
pub(super) async fn delete(zone: &str, found: Vec<ResourceRecordSet>, cx: &Cx) -> Result<()> {
    let changes = found.into_iter().map(|set| (ChangeAction::Delete, set)).collect();
    match change(zone, None, changes, cx).await.found() {
        Err(failure) if failure.message.contains("but it was not found") => Ok(()),
        answer => answer.map(drop),
    }
}
