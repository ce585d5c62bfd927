//! What the Route 53 kinds share: how a creation is recognised, tags, names,
//! and the wait until a change has reached the name servers.

use crate::aws::owned::{ADDRESS_TAG, DEPLOYMENT_TAG, TAG_PREFIX};
use crate::resource::{Changes, Cx, Desired, Failure, Fault, Poll, Result, Tag, TagChanges, Tags};
use aws_sdk_route53::types::{
    ChangeInfo, ChangeStatus, HostedZone, Tag as SdkTag, TagResourceType,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a change may take to reach all name servers; a minute is typical.
const SPREADS: Duration = Duration::from_secs(15 * 60);

/// How many tags one call sets, and how many keys it removes.
const TAGS_IN_A_CALL: usize = 10;

/// Returns a reference for a creation. It begins with the node's token, by
/// which the creation is recognised after a crash. Its end is new each time,
/// because Route 53 refuses the reference of what was deleted for days.
pub(super) fn caller_reference(cx: &Cx) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{}-{:x}", cx.owner.token(), now.as_nanos())
}

/// Whether a reference is of this node's own creation.
pub(super) fn is_ours(reference: &str, cx: &Cx) -> bool {
    reference.strip_prefix(&cx.owner.token()).is_some_and(|end| end.starts_with('-'))
}

/// Returns the identifier without the path that Route 53 puts before it.
pub(super) fn bare(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// Returns a domain name as Route 53 has it in the spelling of stack files: no
/// dot at its end, and characters instead of their octal escapes.
pub(super) fn name(received: &str) -> String {
    let mut name = String::with_capacity(received.len());
    let mut rest = received.strip_suffix('.').unwrap_or(received);
    while let Some(at) = rest.find('\\') {
        name.push_str(&rest[..at]);
        let digits = rest.get(at + 1..at + 4);
        match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(code) if code.is_ascii() => {
                name.push(char::from(code));
                rest = &rest[at + 4..];
            }
            _ => {
                name.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    name.push_str(rest);
    name
}

/// Whether two spellings are one domain name.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    name(one).eq_ignore_ascii_case(&name(other))
}

/// Refuses a name that Route 53 would return in another spelling, which could
/// not be told from another name.
pub(super) fn spelling_fault(desired: Desired<'_>, property: &str) -> Option<Fault> {
    let text = desired.text(property)?;
    (text.ends_with('.') || text.bytes().any(|byte| byte.is_ascii_uppercase())).then(|| {
        let right = name(text).to_ascii_lowercase();
        Fault::new(property, format!("write it in lower case and without the last dot: {right}"))
    })
}

/// Returns the zones of a name.
pub(super) async fn zones(wanted: &str, cx: &Cx) -> Result<Vec<HostedZone>> {
    let mut found = Vec::new();
    let mut from = (Some(wanted.to_owned()), None);
    loop {
        let request = cx
            .route53()
            .list_hosted_zones_by_name()
            .set_dns_name(from.0)
            .set_hosted_zone_id(from.1);
        let operation = "route53:ListHostedZonesByName";
        let page = cx.observe(operation, || request.clone().send()).await?;
        // They come in the order of their names.
        let all_are_his = page.hosted_zones.iter().all(|zone| is_same_name(&zone.name, wanted));
        found.extend(page.hosted_zones.into_iter().filter(|zone| is_same_name(&zone.name, wanted)));
        if !page.is_truncated || !all_are_his {
            return Ok(found);
        }
        from = (page.next_dns_name, page.next_hosted_zone_id);
    }
}

/// Finds the id of the zone that is given by its id or its name; `None` where
/// it does not exist, or is not known yet.
pub(super) async fn find_zone(
    id: Option<&str>,
    name: Option<&str>,
    cx: &Cx,
) -> Result<Option<String>> {
    let name = match (id, name) {
        (Some(id), _) => return Ok(Some(bare(id).to_owned())),
        (None, Some(name)) => name,
        (None, None) => return Ok(None),
    };
    match zones(name, cx).await?.as_slice() {
        [] => Ok(None),
        [zone] => Ok(Some(bare(&zone.id).to_owned())),
        _ => Err(Failure::refused(format!(
            "several hosted zones are called {name}: write HostedZoneId instead of HostedZoneName"
        ))),
    }
}

/// Returns the id of the zone that is given by its id or its name.
pub(super) async fn zone_id(id: Option<&str>, name: Option<&str>, cx: &Cx) -> Result<String> {
    find_zone(id, name, cx).await?.ok_or_else(|| {
        Failure::refused(format!("Route 53 has no hosted zone {}", name.unwrap_or_default()))
    })
}

/// Refuses records that name their zone twice or not at all.
pub(super) fn zone_fault(desired: Desired<'_>) -> Option<Fault> {
    let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
    (is_set("HostedZoneId") == is_set("HostedZoneName")).then(|| {
        Fault::new(
            "HostedZoneId",
            "write either HostedZoneId or HostedZoneName: HostedZoneId: '${Zone}'",
        )
    })
}

/// Waits until a change has reached all name servers.
pub(super) async fn spread(change: Option<ChangeInfo>, cx: &Cx) -> Result<()> {
    let Some(change) = change.filter(|change| change.status == ChangeStatus::Pending) else {
        return Ok(());
    };
    let request = cx.route53().get_change().id(bare(&change.id));
    cx.wait(SPREADS, || async {
        let answer = cx.observe("route53:GetChange", || request.clone().send()).await?;
        Ok(match answer.change_info {
            Some(change) if change.status == ChangeStatus::Pending => {
                Poll::Pending("the change is on its way to the name servers".to_owned())
            }
            _ => Poll::Ready(()),
        })
    })
    .await
}

/// Returns the tags of a zone or health check.
pub(super) async fn tags(
    kind: TagResourceType,
    id: &str,
    cx: &Cx,
) -> Result<BTreeMap<String, String>> {
    let request = cx.route53().list_tags_for_resource().resource_type(kind).resource_id(id);
    let answer = cx.observe("route53:ListTagsForResource", || request.clone().send()).await?;
    let tags = answer.resource_tag_set.and_then(|set| set.tags).unwrap_or_default();
    Ok(tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect())
}

/// Adds to the tags what the reference of the creation says: they are set by a
/// call of their own, and until then the reference alone tells whose it is. The
/// tag that counts generations stays missing, so that all of them are still set.
pub(super) fn with_owner(mut tags: BTreeMap<String, String>, reference: &str, cx: &Cx) -> Tags {
    if is_ours(reference, cx) {
        let implied =
            [(DEPLOYMENT_TAG, cx.owner.deployment.clone()), (ADDRESS_TAG, cx.owner.address.tag())];
        for (key, value) in implied {
            tags.entry(key.to_owned()).or_insert(value);
        }
    }
    tags.into_iter().collect()
}

/// Returns the tags of both lists: those of the stack and payctl, and those
/// that the resource has under CloudFormation's name.
pub(super) fn all_tags(common: Option<&Tags>, own: Option<&Tags>) -> Tags {
    let all: BTreeMap<_, _> = [common, own].into_iter().flatten().flat_map(Tags::pairs).collect();
    all.into_iter().collect()
}

/// Refuses a tag that the two lists give two values.
pub(super) fn tag_faults(desired: Desired<'_>, property: &str) -> Vec<Fault> {
    let list = |name: &str| desired.0.get(name).and_then(Value::as_array).into_iter().flatten();
    let differs = |tag: &&Value| {
        list("Tags").any(|other| other["Key"] == tag["Key"] && other["Value"] != tag["Value"])
    };
    let fault = |tag: &Value| {
        let key = tag["Key"].as_str().unwrap_or_default();
        Fault::new(property, format!("`Tags` gives {key} another value: write it there alone"))
    };
    list(property).filter(differs).map(fault).collect()
}

/// Returns the changed tags of both lists.
pub(super) fn tag_changes(changes: &Changes, property: &str, desired: &Tags) -> TagChanges {
    let of_lists = |path: &str| {
        let (list, key) = path.split_once('/')?;
        (list == "Tags" || list == property).then(|| key.to_owned())
    };
    let mut keys: BTreeSet<_> =
        changes.0.iter().filter_map(|change| of_lists(&change.path)).collect();
    if keys.iter().any(|key| key.starts_with(TAG_PREFIX)) {
        // One that is missing may mean that all are (see `with_owner`).
        keys.extend(desired.iter().map(|t| t.key.clone()).filter(|k| k.starts_with(TAG_PREFIX)));
    }
    let (set, remove) = keys.into_iter().partition::<Vec<_>, _>(|key| desired.get(key).is_some());
    let set = desired.iter().filter(|tag| set.contains(&tag.key)).cloned().collect();
    TagChanges { set, remove }
}

/// Sets and removes tags.
pub(super) async fn retag(
    kind: &TagResourceType,
    id: &str,
    changes: TagChanges,
    cx: &Cx,
) -> Result<()> {
    let request =
        cx.route53().change_tags_for_resource().resource_type(kind.clone()).resource_id(id);
    let operation = "route53:ChangeTagsForResource";
    for set in changes.set.chunks(TAGS_IN_A_CALL) {
        let request = request.clone().set_add_tags(Some(set.iter().map(sdk_tag).collect()));
        cx.mutate(operation, || request.clone().send()).await?;
    }
    for keys in changes.remove.chunks(TAGS_IN_A_CALL) {
        let request = request.clone().set_remove_tag_keys(Some(keys.to_vec()));
        cx.mutate(operation, || request.clone().send()).await?;
    }
    Ok(())
}

fn sdk_tag(tag: &Tag) -> SdkTag {
    SdkTag::builder().key(&tag.key).value(&tag.value).build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_have_one_spelling() {
        assert_eq!(name("\\052.example.net."), "*.example.net");
        assert_eq!(name("a\\b.net"), "a\\b.net");
        assert!(is_same_name("WWW.example.net", "www.example.net."));
        assert!(!is_same_name("www.example.net", "example.net"));
    }

    #[test]
    fn two_lists_of_tags_are_one() {
        let tags = |pairs: &[(&str, &str)]| pairs.iter().copied().collect::<Tags>();
        let all = all_tags(Some(&tags(&[("a", "1"), ("b", "2")])), Some(&tags(&[("c", "3")])));
        let change = |path: &str| crate::resource::Change {
            path: path.to_owned(),
            before: Value::Null,
            after: Value::Null,
            replaces: false,
        };
        let changes =
            Changes(vec![change("Tags/a"), change("ZoneTags/a"), change("ZoneTags/gone")]);
        let changed = tag_changes(&changes, "ZoneTags", &all);
        assert_eq!(changed.set, [Tag { key: "a".into(), value: "1".into() }]);
        assert_eq!(changed.remove, ["gone"]);
        let desired =
            json!({"Tags": [{"Key": "a", "Value": "1"}], "ZoneTags": [{"Key": "a", "Value": "2"}]});
        assert_eq!(tag_faults(Desired(&desired), "ZoneTags").len(), 1);
    }
}
