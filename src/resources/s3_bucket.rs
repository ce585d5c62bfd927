//! `AWS::S3::Bucket`: a general-purpose bucket.

use super::s3_bucket_empty::remove;
use super::s3_bucket_properties::{
    Acceleration, BucketEncryption, Cors, Lifecycle, Logging, Notification, ObjectLock,
    OwnershipControls, PublicAccessBlock, Versioning, Website,
};
use super::s3_bucket_replication::{self as replication, Replication};
use super::{s3_bucket_calls as calls, s3_bucket_convert as convert};
use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Late, Live, Meta, Place,
    Recorded, Resource, Result, TagChanges, Tags, WriteOnly,
};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use futures::future::{BoxFuture, FutureExt as _, join_all};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A bucket. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-s3-bucket.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Bucket {
    /// Its name, which nobody else in the world has.
    #[schemars(length(max = 63))]
    pub bucket_name: Option<Fixed<String>>,
    /// Whether the name is the world's, or the account's in this region (it
    /// then ends in `-ACCOUNT-REGION-an`).
    #[schemars(extend("enum" = ["global", "account-regional"]))]
    pub bucket_namespace: Option<Fixed<WriteOnly<String>>>,
    /// How objects are encrypted that come without a wish.
    pub bucket_encryption: Option<BucketEncryption>,
    /// Whether old versions of objects are kept.
    pub versioning_configuration: Option<Versioning>,
    /// What public access is refused; all of it when unset.
    pub public_access_block_configuration: Option<PublicAccessBlock>,
    /// Who owns uploaded objects; the bucket's owner when unset.
    pub ownership_controls: Option<OwnershipControls>,
    /// What happens to objects as they age.
    pub lifecycle_configuration: Option<Lifecycle>,
    /// What web pages of other origins may do.
    pub cors_configuration: Option<Cors>,
    /// Where access logs go.
    pub logging_configuration: Option<Logging>,
    /// Who is told of what happens to objects.
    pub notification_configuration: Option<Late<Notification>>,
    /// Where objects are copied to.
    pub replication_configuration: Option<Late<Replication>>,
    /// What it answers as a web site.
    pub website_configuration: Option<Website>,
    /// Transfer through edge locations.
    pub accelerate_configuration: Option<Acceleration>,
    /// Whether versions can be locked; it cannot be taken back.
    pub object_lock_enabled: Option<bool>,
    /// How long versions cannot be deleted.
    pub object_lock_configuration: Option<ObjectLock>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What S3 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its host name, of no region.
    pub domain_name: Early<String>,
    /// Its host name, for IPv4 and IPv6.
    pub dual_stack_domain_name: Early<String>,
    /// Its host name in its region.
    pub regional_domain_name: Early<String>,
    /// The address of its web site.
    #[serde(rename = "WebsiteURL")]
    pub website_url: Early<String>,
}

/// The properties that each have calls of their own.
const PARTS: &[&str] = &[
    "AccelerateConfiguration",
    "BucketEncryption",
    "CorsConfiguration",
    "LifecycleConfiguration",
    "LoggingConfiguration",
    "NotificationConfiguration",
    "ObjectLockConfiguration",
    "ObjectLockEnabled",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "ReplicationConfiguration",
    "VersioningConfiguration",
    "WebsiteConfiguration",
];

impl Resource for Bucket {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::S3::Bucket")
        .named_lowercase("BucketName", 63)
        .taggable()
        // In us-east-1 creating one's own bucket again succeeds.
        .overwrites()
        .holds_data()
        .takes(2)
        .unsupported(&[
            "AbacStatus",
            "AccessControl",
            "AnalyticsConfigurations",
            "BucketNamePrefix",
            "IntelligentTieringConfigurations",
            "InventoryConfigurations",
            "MetadataConfiguration",
            "MetadataTableConfiguration",
            "MetricsConfigurations",
        ]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("BucketName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        desired.text("BucketName").map_or(Value::Null, |name| json!(attributes(name, place)))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = replication::check(desired);
        faults.extend(check_name(desired));
        faults.extend(check_parts(desired));
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(properties) = calls::read(id.as_str(), cx).await.found()? else { return Ok(None) };
        let attributes = attributes(id.as_str(), &cx.place);
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        let name = live.id.as_str();
        if changes.has("ObjectLockEnabled") && self.object_lock_enabled != Some(true) {
            return Err(Failure::refused(
                "S3 never turns locking off: keep ObjectLockEnabled: true, or give the bucket another name",
            ));
        }
        let mut parts: Vec<&str> = PARTS.iter().copied().filter(|part| changes.has(part)).collect();
        if cx.partial {
            // What is known of these is no reason to take away what is there.
            let had = &live.properties;
            parts.retain(|part| match *part {
                "NotificationConfiguration" => had.notification_configuration.is_none(),
                "ReplicationConfiguration" => had.replication_configuration.is_none(),
                _ => true,
            });
        }
        self.set(&parts, changes.tags(self.tags.as_ref()), name, cx).await?;
        Ok(attributes(name, &cx.place))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        remove(recorded.id.as_str(), cx).await
    }
}

impl Bucket {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.bucket_name.as_ref().map(|name| name.0.clone()).unwrap_or_default();
        let request = cx
            .s3()
            .create_bucket()
            .bucket(&name)
            .set_object_ownership(self.ownership().map(Into::into))
            .set_object_lock_enabled_for_bucket(self.object_lock_enabled.filter(|on| *on))
            .set_bucket_namespace(self.bucket_namespace.as_ref().map(|space| space.as_str().into()))
            .set_create_bucket_configuration(self.creation(cx)?);
        cx.mutate("s3:CreateBucket", || request.clone().send()).await?;
        let attributes = attributes(&name, &cx.place);
        cx.created(&Id::from(name.as_str()), json!(attributes)).await?;
        let set = json!(self);
        let given = ["OwnershipControls", "ObjectLockEnabled"];
        let is_open = |part: &&str| !given.contains(part) && !set[*part].is_null();
        let parts: Vec<&str> = PARTS.iter().copied().filter(is_open).collect();
        self.set(&parts, TagChanges::default(), &name, cx).await?;
        Ok(attributes)
    }

    /// Returns what a creation has in its body: where the bucket goes, and its
    /// tags. us-east-1 is where a bucket goes that names no region.
    fn creation(&self, cx: &Cx) -> Result<Option<CreateBucketConfiguration>> {
        let tags = self.tags.iter().flat_map(|tags| tags.iter()).map(convert::tag);
        let tags = tags.collect::<Result<Vec<_>>>()?;
        let region = Some(cx.region()).filter(|region| *region != "us-east-1");
        let is_empty = tags.is_empty() && region.is_none();
        Ok((!is_empty).then(|| {
            CreateBucketConfiguration::builder()
                .set_location_constraint(region.map(BucketLocationConstraint::from))
                .set_tags(Some(tags).filter(|tags| !tags.is_empty()))
                .build()
        }))
    }

    /// Sets the named parts: at once, but for those that need versioning to be
    /// on or forbid to turn it off.
    async fn set(&self, parts: &[&str], tags: TagChanges, name: &str, cx: &Cx) -> Result<()> {
        const NEED_VERSIONS: &[&str] =
            &["ObjectLockConfiguration", "ObjectLockEnabled", "ReplicationConfiguration"];
        if parts.contains(&"ReplicationConfiguration") && self.replication_configuration.is_none() {
            calls::replication(self, name, cx).await?;
        }
        let (mut last, first): (Vec<&str>, Vec<&str>) =
            parts.iter().partition(|part| NEED_VERSIONS.contains(part));
        let mut first: Vec<_> =
            first.into_iter().map(|part| self.set_part(part, name, cx)).collect();
        first.push(calls::tags(tags, name, cx).boxed());
        join_all(first).await.into_iter().collect::<Result<()>>()?;
        // Both properties of the lock go in one call.
        if last.contains(&"ObjectLockConfiguration") {
            last.retain(|part| *part != "ObjectLockEnabled");
        }
        let last = last.into_iter().map(|part| self.set_part(part, name, cx));
        join_all(last).await.into_iter().collect()
    }

    fn set_part<'a>(&'a self, part: &str, name: &'a str, cx: &'a Cx) -> BoxFuture<'a, Result<()>> {
        match part {
            "AccelerateConfiguration" => calls::acceleration(self, name, cx).boxed(),
            "BucketEncryption" => calls::encryption(self, name, cx).boxed(),
            "CorsConfiguration" => calls::cors(self, name, cx).boxed(),
            "LifecycleConfiguration" => calls::lifecycle(self, name, cx).boxed(),
            "LoggingConfiguration" => calls::logging(self, name, cx).boxed(),
            "NotificationConfiguration" => calls::notification(self, name, cx).boxed(),
            "OwnershipControls" => calls::ownership(self, name, cx).boxed(),
            "PublicAccessBlockConfiguration" => calls::public_access(self, name, cx).boxed(),
            "VersioningConfiguration" => calls::versioning(self, name, cx).boxed(),
            "WebsiteConfiguration" => calls::website(self, name, cx).boxed(),
            "ReplicationConfiguration" if self.replication_configuration.is_some() => {
                calls::replication(self, name, cx).boxed()
            }
            "ObjectLockConfiguration" | "ObjectLockEnabled" => {
                calls::object_lock(self, name, cx).boxed()
            }
            _ => async { Ok(()) }.boxed(),
        }
    }

    /// Returns who owns uploaded objects.
    pub(super) fn ownership(&self) -> Option<&str> {
        self.ownership_controls.as_ref()?.rules.first()?.object_ownership.as_deref()
    }
}

/// The regions whose web sites have the old kind of address.
const DASHED_WEBSITES: &[&str] = &[
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "eu-west-1",
    "sa-east-1",
    "us-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

fn attributes(name: &str, place: &Place) -> Attributes {
    let (region, suffix) = (&place.region, place.dns_suffix());
    let mark = if DASHED_WEBSITES.contains(&region.as_str()) { '-' } else { '.' };
    Attributes {
        arn: Early(format!("arn:{}:s3:::{name}", place.partition)),
        domain_name: Early(format!("{name}.s3.{suffix}")),
        dual_stack_domain_name: Early(format!("{name}.s3.dualstack.{region}.{suffix}")),
        regional_domain_name: Early(format!("{name}.s3.{region}.{suffix}")),
        website_url: Early(format!("http://{name}.s3-website{mark}{region}.{suffix}")),
    }
}

/// Checks the name by S3's rules:
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
fn check_name(desired: Desired<'_>) -> Option<Fault> {
    const PREFIXES: &[&str] = &["xn--", "sthree-", "amzn-s3-demo-"];
    const SUFFIXES: &[&str] = &["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
    let name = desired.text("BucketName")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let parts: Vec<&str> = name.split('.').collect();
    let is_address = parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    let message = if !(3..=63).contains(&name.len()) {
        "a bucket's name has 3 to 63 characters".to_owned()
    } else if !name.chars().all(|c| plain(c) || c == '.' || c == '-') {
        "a bucket's name has only lower-case letters, digits, dots and hyphens".to_owned()
    } else if !name.starts_with(plain) || !name.ends_with(plain) || name.contains("..") {
        "a bucket's name begins and ends with a letter or digit, and has no two dots in a row"
            .to_owned()
    } else if is_address {
        "a bucket's name must not look like an IP address".to_owned()
    } else if let Some(prefix) = PREFIXES.iter().find(|prefix| name.starts_with(**prefix)) {
        format!("S3 keeps names that begin with {prefix} for itself")
    } else if let Some(suffix) = SUFFIXES.iter().find(|suffix| name.ends_with(**suffix)) {
        format!("S3 keeps names that end with {suffix} for itself")
    } else if desired.text("BucketNamespace") == Some("account-regional") && !name.ends_with("-an")
    {
        "a name of the account's own ends in -${account}-${region}-an".to_owned()
    } else {
        return None;
    };
    Some(Fault::new("BucketName", message))
}

fn check_parts(desired: Desired<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let lock = desired.0.get("ObjectLockConfiguration").is_some_and(|lock| !lock.is_null());
    if lock && desired.get("ObjectLockEnabled") != Some(&Value::Bool(true)) {
        faults.push(Fault::new("ObjectLockConfiguration", "a lock needs ObjectLockEnabled: true"));
    }
    if desired.get("AccelerateConfiguration").is_some()
        && desired.text("BucketName").is_some_and(|name| name.contains('.'))
    {
        faults
            .push(Fault::new("AccelerateConfiguration", "acceleration takes no dots in the name"));
    }
    let rules =
        desired.0.get("BucketEncryption").and_then(|e| e.get("ServerSideEncryptionConfiguration"));
    for rule in rules.and_then(Value::as_array).into_iter().flatten() {
        let default = &rule["ServerSideEncryptionByDefault"];
        if default["SSEAlgorithm"] == "AES256" && default.get("KMSMasterKeyID").is_some() {
            faults.push(Fault::new(
                "BucketEncryption",
                "a KMS key needs SSEAlgorithm: aws:kms, AES256 uses keys of S3",
            ));
        }
    }
    faults.extend(check_filters(desired));
    faults
}

/// S3 returns the names of filter rules in its own case, so there is one here.
fn check_filters(desired: Desired<'_>) -> Vec<Fault> {
    let lists = ["LambdaConfigurations", "QueueConfigurations", "TopicConfigurations"];
    let all = desired.0.get("NotificationConfiguration");
    let targets = lists.iter().filter_map(|list| all?.get(list)?.as_array()).flatten();
    let rules = targets.filter_map(|to| to["Filter"]["S3Key"]["Rules"].as_array()).flatten();
    rules
        .filter_map(|rule| rule["Name"].as_str())
        .filter(|name| !["prefix", "suffix"].contains(name))
        .map(|name| {
            Fault::new("NotificationConfiguration", format!("write prefix or suffix for {name}"))
        })
        .collect()
}
