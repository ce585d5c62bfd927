//! Nested properties of `AWS::S3::Bucket`.

use crate::resource::{Set, Tag, WriteOnly};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How objects are encrypted that come without a wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BucketEncryption {
    /// One rule.
    pub server_side_encryption_configuration: Vec<EncryptionRule>,
}

/// How objects are encrypted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EncryptionRule {
    /// Whether a key of the bucket saves calls to KMS.
    pub bucket_key_enabled: Option<bool>,
    /// The algorithm and its key.
    pub server_side_encryption_by_default: Option<EncryptionDefault>,
    /// What uploads may not use.
    pub blocked_encryption_types: Option<BlockedEncryption>,
}

/// The algorithm and its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EncryptionDefault {
    /// The algorithm.
    #[serde(rename = "SSEAlgorithm")]
    #[schemars(extend("enum" = ["aws:kms", "AES256", "aws:kms:dsse"]))]
    pub sse_algorithm: String,
    /// The KMS key: ARN, id or alias; AWS's own when unset.
    #[serde(rename = "KMSMasterKeyID")]
    pub kms_master_key_id: Option<String>,
}

/// What uploads may not use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BlockedEncryption {
    /// Keys that the uploader brings (`SSE-C`), or nothing (`NONE`).
    #[schemars(extend("items" = {"type": "string", "enum": ["NONE", "SSE-C"]}))]
    pub encryption_type: Option<Vec<String>>,
}

/// Whether old versions of objects are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Versioning {
    /// Whether they are; once enabled it can only be suspended.
    #[schemars(extend("enum" = ["Enabled", "Suspended"]))]
    pub status: String,
}

/// What public access is refused. What is left out is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PublicAccessBlock {
    /// Whether new public ACLs are refused.
    pub block_public_acls: Option<bool>,
    /// Whether public bucket policies are refused.
    pub block_public_policy: Option<bool>,
    /// Whether public ACLs have no effect.
    pub ignore_public_acls: Option<bool>,
    /// Whether a public policy serves only this account and AWS.
    pub restrict_public_buckets: Option<bool>,
}

/// Who owns uploaded objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OwnershipControls {
    /// One rule.
    pub rules: Vec<OwnershipRule>,
}

/// Who owns uploaded objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct OwnershipRule {
    /// The bucket's owner without ACLs, the owner if the uploader agrees,
    /// or the uploader.
    #[schemars(extend("enum" = ["ObjectWriter", "BucketOwnerPreferred", "BucketOwnerEnforced"]))]
    pub object_ownership: Option<String>,
}

/// What happens to objects as they age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Lifecycle {
    /// The rules.
    pub rules: Vec<LifecycleRule>,
    /// The smallest objects that move to another class.
    #[schemars(extend("enum" = ["varies_by_storage_class", "all_storage_classes_128K"]))]
    pub transition_default_minimum_object_size: Option<String>,
}

/// What happens to some objects as they age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LifecycleRule {
    /// Its name; AWS makes one up when unset.
    #[schemars(length(max = 255))]
    pub id: Option<String>,
    /// Whether it is in force.
    #[schemars(extend("enum" = ["Enabled", "Disabled"]))]
    pub status: String,
    /// It is for keys that begin so.
    pub prefix: Option<String>,
    /// It is for objects with all of these tags.
    pub tag_filters: Option<Vec<Tag>>,
    /// It is for objects of more bytes.
    #[schemars(length(max = 20))]
    pub object_size_greater_than: Option<String>,
    /// It is for objects of fewer bytes.
    #[schemars(length(max = 20))]
    pub object_size_less_than: Option<String>,
    /// Days after which objects expire.
    pub expiration_in_days: Option<i32>,
    /// When objects expire.
    pub expiration_date: Option<String>,
    /// Whether a delete marker with no versions behind it goes.
    pub expired_object_delete_marker: Option<bool>,
    /// When objects move to another class.
    pub transitions: Option<Vec<Transition>>,
    /// When they move, as one item.
    pub transition: Option<WriteOnly<Transition>>,
    /// When old versions expire.
    pub noncurrent_version_expiration: Option<NoncurrentExpiration>,
    /// Days after which old versions expire.
    pub noncurrent_version_expiration_in_days: Option<WriteOnly<i32>>,
    /// When old versions move to another class.
    pub noncurrent_version_transitions: Option<Vec<NoncurrentTransition>>,
    /// When old versions move, as one item.
    pub noncurrent_version_transition: Option<WriteOnly<NoncurrentTransition>>,
    /// When uploads that were never finished go.
    pub abort_incomplete_multipart_upload: Option<AbortUploads>,
}

/// When uploads that were never finished go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct AbortUploads {
    /// Days after they began.
    #[schemars(range(min = 0))]
    pub days_after_initiation: i32,
}

/// When objects move to another class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Transition {
    /// The class.
    #[schemars(extend("enum" = ["DEEP_ARCHIVE", "GLACIER", "Glacier", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD_IA"]))]
    pub storage_class: String,
    /// When.
    pub transition_date: Option<String>,
    /// Days after their creation.
    pub transition_in_days: Option<i32>,
}

/// When old versions move to another class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NoncurrentTransition {
    /// The class.
    #[schemars(extend("enum" = ["DEEP_ARCHIVE", "GLACIER", "Glacier", "GLACIER_IR", "INTELLIGENT_TIERING", "ONEZONE_IA", "STANDARD_IA"]))]
    pub storage_class: String,
    /// Days after they were replaced.
    pub transition_in_days: i32,
    /// How many of the newest stay.
    pub newer_noncurrent_versions: Option<i32>,
}

/// When old versions expire.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NoncurrentExpiration {
    /// Days after they were replaced.
    pub noncurrent_days: i32,
    /// How many of the newest stay.
    pub newer_noncurrent_versions: Option<i32>,
}

/// What web pages of other origins may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Cors {
    /// The rules; the first that fits counts.
    pub cors_rules: Vec<CorsRule>,
}

/// What web pages of some origins may do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CorsRule {
    /// Its name.
    #[schemars(length(max = 255))]
    pub id: Option<String>,
    /// Headers that they may send.
    pub allowed_headers: Option<Vec<String>>,
    /// Methods that they may use.
    #[schemars(extend("items" = {"type": "string", "enum": ["GET", "PUT", "HEAD", "POST", "DELETE"]}))]
    pub allowed_methods: Vec<String>,
    /// The origins.
    pub allowed_origins: Vec<String>,
    /// Headers of answers that they may read.
    pub exposed_headers: Option<Vec<String>>,
    /// Seconds that a browser may keep this.
    #[schemars(range(min = 0))]
    pub max_age: Option<i32>,
}

/// Where access logs go.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Logging {
    /// The bucket; this one when unset.
    pub destination_bucket_name: Option<String>,
    /// What their keys begin with.
    pub log_file_prefix: Option<String>,
    /// What follows in their keys.
    pub target_object_key_format: Option<LogKeyFormat>,
}

/// What follows the prefix in the keys of logs: one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LogKeyFormat {
    /// The time.
    pub simple_prefix: Option<SimplePrefix>,
    /// Account, region, bucket and date as folders.
    pub partitioned_prefix: Option<PartitionedPrefix>,
}

/// Keys that begin with the time. It has no settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SimplePrefix {}

/// Keys with folders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PartitionedPrefix {
    /// Whose date makes the folders: the event's or the delivery's.
    #[schemars(extend("enum" = ["EventTime", "DeliveryTime"]))]
    pub partition_date_source: Option<String>,
}

/// Who is told of what happens to objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Notification {
    /// Whether EventBridge is.
    pub event_bridge_configuration: Option<EventBridge>,
    /// Functions that are.
    pub lambda_configurations: Option<Set<NotifyFunction>>,
    /// Queues that are.
    pub queue_configurations: Option<Set<NotifyQueue>>,
    /// Topics that are.
    pub topic_configurations: Option<Set<NotifyTopic>>,
}

/// Whether EventBridge is told of every event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EventBridge {
    /// Whether it is.
    pub event_bridge_enabled: bool,
}

/// A function that is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NotifyFunction {
    /// Of what: `s3:ObjectCreated:*`.
    pub event: String,
    /// Of which objects.
    pub filter: Option<KeyFilter>,
    /// Its ARN.
    pub function: String,
}

/// A queue that is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NotifyQueue {
    /// Of what: `s3:ObjectCreated:*`.
    pub event: String,
    /// Of which objects.
    pub filter: Option<KeyFilter>,
    /// Its ARN.
    pub queue: String,
}

/// A topic that is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NotifyTopic {
    /// Of what: `s3:ObjectCreated:*`.
    pub event: String,
    /// Of which objects.
    pub filter: Option<KeyFilter>,
    /// Its ARN.
    pub topic: String,
}

/// Of which objects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct KeyFilter {
    /// Of those with such keys.
    pub s3_key: KeyRules,
}

/// What keys have to be like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct KeyRules {
    /// How they begin, how they end.
    pub rules: Set<KeyRule>,
}

/// How keys begin or end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct KeyRule {
    /// `prefix` or `suffix`.
    #[schemars(length(max = 1024))]
    pub name: String,
    /// The text.
    pub value: String,
}

/// What the bucket answers as a web site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Website {
    /// The key of what is sent for a folder.
    pub index_document: Option<String>,
    /// The key of what is sent for an error.
    pub error_document: Option<String>,
    /// Where everything is sent instead.
    pub redirect_all_requests_to: Option<RedirectAll>,
    /// Where some requests are sent instead.
    pub routing_rules: Option<Vec<RoutingRule>>,
}

/// Where everything is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RedirectAll {
    /// The host.
    pub host_name: String,
    /// How it is reached; as the request came when unset.
    #[schemars(extend("enum" = ["http", "https"]))]
    pub protocol: Option<String>,
}

/// Where some requests are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RoutingRule {
    /// Where to.
    pub redirect_rule: RedirectRule,
    /// Which.
    pub routing_rule_condition: Option<RoutingCondition>,
}

/// Where requests are sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RedirectRule {
    /// The host.
    pub host_name: Option<String>,
    /// The status that says so.
    pub http_redirect_code: Option<String>,
    /// How the host is reached.
    #[schemars(extend("enum" = ["http", "https"]))]
    pub protocol: Option<String>,
    /// What takes the place of the key's beginning.
    pub replace_key_prefix_with: Option<String>,
    /// What takes the place of the key.
    pub replace_key_with: Option<String>,
}

/// Which requests are sent elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RoutingCondition {
    /// Those that would end in this error.
    pub http_error_code_returned_equals: Option<String>,
    /// Those whose keys begin so.
    pub key_prefix_equals: Option<String>,
}

/// Transfer through edge locations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Acceleration {
    /// Whether it is on.
    #[schemars(extend("enum" = ["Enabled", "Suspended"]))]
    pub acceleration_status: String,
}

/// How long versions cannot be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ObjectLock {
    /// `Enabled`.
    #[schemars(extend("enum" = ["Enabled"]))]
    pub object_lock_enabled: Option<String>,
    /// What holds for objects that come without a wish.
    pub rule: Option<ObjectLockRule>,
}

/// What holds for objects that come without a wish.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ObjectLockRule {
    /// How long they are kept.
    pub default_retention: Option<Retention>,
}

/// How long versions are kept: days or years.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Retention {
    /// Whether some may still delete them, or nobody.
    #[schemars(extend("enum" = ["COMPLIANCE", "GOVERNANCE"]))]
    pub mode: Option<String>,
    /// In days.
    pub days: Option<i32>,
    /// In years.
    pub years: Option<i32>,
}
