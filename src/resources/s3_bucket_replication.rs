//! The replication of a bucket: its properties, and how S3 takes and returns
//! them.

use super::s3_bucket_convert::tag;
use crate::resource::{Desired, Fault, Result, Tag};
use aws_sdk_s3::types as sdk;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where objects are copied to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Replication {
    /// The ARN of the role that S3 copies as.
    pub role: String,
    /// What goes where.
    pub rules: Vec<ReplicationRule>,
}

/// What goes where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicationRule {
    /// Its name; AWS makes one up when unset.
    #[schemars(length(max = 255))]
    pub id: Option<String>,
    /// Whether it is in force.
    #[schemars(extend("enum" = ["Disabled", "Enabled"]))]
    pub status: String,
    /// Where two rules go to one place, the higher one counts.
    pub priority: Option<i32>,
    /// Which objects; all of them with an empty filter.
    pub filter: Option<ReplicationFilter>,
    /// Where to.
    pub destination: Destination,
    /// Whether delete markers go, too.
    pub delete_marker_replication: Option<DeleteMarkerReplication>,
    /// Which objects besides the plain ones.
    pub source_selection_criteria: Option<SourceSelection>,
}

/// Which objects: by one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicationFilter {
    /// Those whose keys begin so.
    pub prefix: Option<String>,
    /// Those with this tag.
    pub tag_filter: Option<Tag>,
    /// Those that fit everything in here.
    pub and: Option<ReplicationFilterAnd>,
}

/// Which objects: those that fit all of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicationFilterAnd {
    /// Those whose keys begin so.
    pub prefix: Option<String>,
    /// Those with these tags.
    pub tag_filters: Option<Vec<Tag>>,
}

/// Where copies go, and what they become there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Destination {
    /// The ARN of the bucket.
    pub bucket: String,
    /// The account that owns it, for a change of the copies' owner.
    pub account: Option<String>,
    /// The class of the copies.
    #[schemars(extend("enum" = ["DEEP_ARCHIVE", "GLACIER", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "REDUCED_REDUNDANCY", "STANDARD", "STANDARD_IA"]))]
    pub storage_class: Option<String>,
    /// Whether the bucket's owner owns the copies.
    pub access_control_translation: Option<OwnerTranslation>,
    /// How copies are encrypted whose originals are with KMS.
    pub encryption_configuration: Option<ReplicaEncryption>,
    /// Whether copies are made within a promised time.
    pub replication_time: Option<ReplicationTime>,
    /// Whether the delay is measured.
    pub metrics: Option<ReplicationMetrics>,
}

/// Who owns the copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OwnerTranslation {
    /// The destination's owner.
    #[schemars(extend("enum" = ["Destination"]))]
    pub owner: String,
}

/// How copies are encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicaEncryption {
    /// The ARN of the key in the destination's region.
    #[serde(rename = "ReplicaKmsKeyID")]
    pub replica_kms_key_id: String,
}

/// A promised time for copies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicationTime {
    /// Whether it is promised.
    #[schemars(extend("enum" = ["Disabled", "Enabled"]))]
    pub status: String,
    /// The time.
    pub time: Minutes,
}

/// Measures of the delay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicationMetrics {
    /// Whether they are kept.
    #[schemars(extend("enum" = ["Disabled", "Enabled"]))]
    pub status: String,
    /// The delay that makes an event.
    pub event_threshold: Option<Minutes>,
}

/// A time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Minutes {
    /// In minutes; S3 takes 15.
    pub minutes: i32,
}

/// Whether delete markers are copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct DeleteMarkerReplication {
    /// Whether they are.
    #[schemars(extend("enum" = ["Disabled", "Enabled"]))]
    pub status: Option<String>,
}

/// Which objects are copied besides the plain ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SourceSelection {
    /// Whether changes that were made to copies are copied back.
    pub replica_modifications: Option<Switch>,
    /// Whether objects are that KMS encrypts.
    pub sse_kms_encrypted_objects: Option<Switch>,
}

/// Something that is on or off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Switch {
    /// Whether it is on.
    #[schemars(extend("enum" = ["Disabled", "Enabled"]))]
    pub status: String,
}

pub(super) fn replication(from: &Replication) -> Result<sdk::ReplicationConfiguration> {
    let rules = from.rules.iter().map(rule).collect::<Result<_>>()?;
    Ok(sdk::ReplicationConfiguration::builder().role(&from.role).set_rules(Some(rules)).build()?)
}

fn rule(from: &ReplicationRule) -> Result<sdk::ReplicationRule> {
    let markers = from.delete_marker_replication.as_ref().map(|markers| {
        let status = markers.status.as_deref().map(Into::into);
        sdk::DeleteMarkerReplication::builder().set_status(status).build()
    });
    Ok(sdk::ReplicationRule::builder()
        .set_id(from.id.clone())
        .status(from.status.as_str().into())
        .set_priority(from.priority)
        .set_filter(from.filter.as_ref().map(filter).transpose()?)
        .destination(destination(&from.destination)?)
        .set_delete_marker_replication(markers)
        .set_source_selection_criteria(
            from.source_selection_criteria.as_ref().map(selection).transpose()?,
        )
        .build()?)
}

fn filter(from: &ReplicationFilter) -> Result<sdk::ReplicationRuleFilter> {
    let and = from.and.as_ref().map(|and| -> Result<_> {
        let tags = and.tag_filters.iter().flatten().map(tag).collect::<Result<Vec<_>>>()?;
        Ok(sdk::ReplicationRuleAndOperator::builder()
            .set_prefix(and.prefix.clone())
            .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
            .build())
    });
    // A filter for everything is an empty prefix.
    let is_empty = from.and.is_none() && from.tag_filter.is_none();
    Ok(sdk::ReplicationRuleFilter::builder()
        .set_prefix(from.prefix.clone().or(is_empty.then(String::new)))
        .set_tag(from.tag_filter.as_ref().map(tag).transpose()?)
        .set_and(and.transpose()?)
        .build())
}

fn selection(from: &SourceSelection) -> Result<sdk::SourceSelectionCriteria> {
    let kms = from.sse_kms_encrypted_objects.as_ref().map(|switch| {
        sdk::SseKmsEncryptedObjects::builder().status(switch.status.as_str().into()).build()
    });
    let back = from.replica_modifications.as_ref().map(|switch| {
        sdk::ReplicaModifications::builder().status(switch.status.as_str().into()).build()
    });
    Ok(sdk::SourceSelectionCriteria::builder()
        .set_sse_kms_encrypted_objects(kms.transpose()?)
        .set_replica_modifications(back.transpose()?)
        .build())
}

fn destination(from: &Destination) -> Result<sdk::Destination> {
    let minutes =
        |time: &Minutes| sdk::ReplicationTimeValue::builder().minutes(time.minutes).build();
    let owner = from.access_control_translation.as_ref().map(|translation| {
        sdk::AccessControlTranslation::builder().owner(translation.owner.as_str().into()).build()
    });
    let key = from.encryption_configuration.as_ref().map(|encryption| {
        sdk::EncryptionConfiguration::builder()
            .replica_kms_key_id(&encryption.replica_kms_key_id)
            .build()
    });
    let promise = from.replication_time.as_ref().map(|promise| {
        sdk::ReplicationTime::builder()
            .status(promise.status.as_str().into())
            .time(minutes(&promise.time))
            .build()
    });
    let metrics = from.metrics.as_ref().map(|metrics| {
        sdk::Metrics::builder()
            .status(metrics.status.as_str().into())
            .set_event_threshold(metrics.event_threshold.as_ref().map(minutes))
            .build()
    });
    Ok(sdk::Destination::builder()
        .bucket(&from.bucket)
        .set_account(from.account.clone())
        .set_storage_class(from.storage_class.as_deref().map(Into::into))
        .set_access_control_translation(owner.transpose()?)
        .set_encryption_configuration(key)
        .set_replication_time(promise.transpose()?)
        .set_metrics(metrics.transpose()?)
        .build()?)
}

pub(super) fn of_replication(from: &sdk::ReplicationConfiguration) -> Replication {
    Replication {
        role: from.role.clone(),
        rules: from.rules().iter().filter_map(of_rule).collect(),
    }
}

fn of_rule(from: &sdk::ReplicationRule) -> Option<ReplicationRule> {
    let markers = from.delete_marker_replication();
    Some(ReplicationRule {
        id: from.id.clone(),
        status: from.status.as_str().to_owned(),
        priority: from.priority,
        filter: from.filter().map(of_filter),
        destination: of_destination(from.destination()?),
        delete_marker_replication: markers.map(|markers| DeleteMarkerReplication {
            status: markers.status().map(|status| status.as_str().to_owned()),
        }),
        source_selection_criteria: from.source_selection_criteria().map(|select| {
            let back = select.replica_modifications().map(|s| s.status.as_str());
            let kms = select.sse_kms_encrypted_objects().map(|s| s.status.as_str());
            let switch = |status: &str| Switch { status: status.to_owned() };
            SourceSelection {
                replica_modifications: back.map(switch),
                sse_kms_encrypted_objects: kms.map(switch),
            }
        }),
    })
}

fn of_filter(from: &sdk::ReplicationRuleFilter) -> ReplicationFilter {
    let of_tag = |tag: &sdk::Tag| Tag { key: tag.key.clone(), value: tag.value.clone() };
    ReplicationFilter {
        prefix: from.prefix.clone(),
        tag_filter: from.tag().map(of_tag),
        and: from.and().map(|and| ReplicationFilterAnd {
            prefix: and.prefix.clone(),
            tag_filters: and.tags.as_ref().map(|tags| tags.iter().map(of_tag).collect()),
        }),
    }
}

fn of_destination(from: &sdk::Destination) -> Destination {
    let minutes =
        |time: &sdk::ReplicationTimeValue| time.minutes.map(|minutes| Minutes { minutes });
    Destination {
        bucket: from.bucket.clone(),
        account: from.account.clone(),
        storage_class: from.storage_class().map(|class| class.as_str().to_owned()),
        access_control_translation: from
            .access_control_translation()
            .map(|to| OwnerTranslation { owner: to.owner.as_str().to_owned() }),
        encryption_configuration: from
            .encryption_configuration()
            .and_then(|encryption| encryption.replica_kms_key_id.clone())
            .map(|replica_kms_key_id| ReplicaEncryption { replica_kms_key_id }),
        replication_time: from.replication_time().and_then(|promise| {
            let status = promise.status.as_str().to_owned();
            Some(ReplicationTime { status, time: minutes(promise.time()?)? })
        }),
        metrics: from.metrics().map(|metrics| ReplicationMetrics {
            status: metrics.status.as_str().to_owned(),
            event_threshold: metrics.event_threshold().and_then(minutes),
        }),
    }
}

/// Checks a replication, of which single values may not be known yet.
pub(super) fn check(desired: Desired<'_>) -> Vec<Fault> {
    let Some(replication) = desired.0.get("ReplicationConfiguration").filter(|v| v.is_object())
    else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let versioning = desired.0.get("VersioningConfiguration");
    let is_open = versioning.is_some_and(crate::value::has_unknown);
    if !is_open && desired.text("VersioningConfiguration/Status") != Some("Enabled") {
        faults.push(Fault::new(
            "ReplicationConfiguration",
            "replication needs VersioningConfiguration: {Status: Enabled}, here and in the destination",
        ));
    }
    let rules = replication.get("Rules").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut priorities: Vec<_> =
        rules.iter().filter_map(|rule| rule["Priority"].as_i64()).collect();
    priorities.sort_unstable();
    if priorities.windows(2).any(|pair| pair[0] == pair[1]) {
        faults.push(Fault::new(
            "ReplicationConfiguration/Rules",
            "every rule needs a Priority of its own",
        ));
    }
    faults.extend(rules.iter().enumerate().flat_map(|(index, rule)| check_rule(index, rule)));
    faults
}

fn check_rule(index: usize, rule: &Value) -> Vec<Fault> {
    let path = format!("ReplicationConfiguration/Rules/{index}");
    let has = |name: &str| rule.get(name).is_some_and(|value| !value.is_null());
    let mut faults = Vec::new();
    if !has("Filter") {
        faults.push(Fault::new(&path, "write Filter: {Prefix: ''} for all objects"));
    }
    if has("Filter") && !(has("Priority") && has("DeleteMarkerReplication")) {
        faults.push(Fault::new(
            &path,
            "a rule with a Filter needs Priority and DeleteMarkerReplication: {Status: …}",
        ));
    }
    let kms = &rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"]["Status"];
    if kms == "Enabled" && rule["Destination"].get("EncryptionConfiguration").is_none() {
        faults.push(Fault::new(
            format!("{path}/Destination"),
            "objects that KMS encrypts need EncryptionConfiguration: {ReplicaKmsKeyID: …}, a key of the destination's region",
        ));
    }
    faults
}
