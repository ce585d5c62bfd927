//! The calls of a bucket's parts: each sets what is desired, or takes the part
//! back to what a new bucket has.

use super::s3_bucket::Bucket;
use super::s3_bucket_convert as convert;
use super::s3_bucket_properties::{
    Acceleration, OwnershipControls, OwnershipRule, PublicAccessBlock, Versioning,
};
use super::s3_bucket_replication as rules;
use crate::resource::{Cx, Fixed, Late, Result, Tag, TagChanges, Tags};
use aws_sdk_s3::types as sdk;
use futures::try_join;

/// What S3 says of a part that is not set, or that a region does not have.
const UNSET: &[&str] = &[
    "MethodNotAllowed",
    "NoSuchCORSConfiguration",
    "NoSuchLifecycleConfiguration",
    "NoSuchPublicAccessBlockConfiguration",
    "NoSuchTagSet",
    "NoSuchWebsiteConfiguration",
    "NotImplemented",
    "ObjectLockConfigurationNotFoundError",
    "OwnershipControlsNotFoundError",
    "ReplicationConfigurationNotFoundError",
    "ServerSideEncryptionConfigurationNotFoundError",
    "UnsupportedArgument",
    "UnsupportedOperation",
];

fn set<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Err(failure) if failure.is_code(UNSET) => Ok(None),
        answer => answer.map(Some),
    }
}

macro_rules! get {
    ($cx:expr, $name:expr, $operation:literal, $call:ident) => {
        async {
            let request = $cx.s3().$call().bucket($name);
            set($cx.observe($operation, || request.clone().send()).await)
        }
    };
}

/// Reads all parts of a bucket, at once.
pub(super) async fn read(name: &str, cx: &Cx) -> Result<Bucket> {
    let first = async {
        try_join!(
            get!(cx, name, "s3:GetBucketTagging", get_bucket_tagging),
            get!(cx, name, "s3:GetBucketEncryption", get_bucket_encryption),
            get!(cx, name, "s3:GetBucketVersioning", get_bucket_versioning),
            get!(cx, name, "s3:GetPublicAccessBlock", get_public_access_block),
            get!(cx, name, "s3:GetBucketOwnershipControls", get_bucket_ownership_controls),
            get!(
                cx,
                name,
                "s3:GetBucketLifecycleConfiguration",
                get_bucket_lifecycle_configuration
            ),
            get!(cx, name, "s3:GetBucketCors", get_bucket_cors),
        )
    };
    let second = async {
        try_join!(
            get!(cx, name, "s3:GetBucketLogging", get_bucket_logging),
            get!(
                cx,
                name,
                "s3:GetBucketNotificationConfiguration",
                get_bucket_notification_configuration
            ),
            get!(cx, name, "s3:GetBucketReplication", get_bucket_replication),
            get!(cx, name, "s3:GetBucketWebsite", get_bucket_website),
            get!(
                cx,
                name,
                "s3:GetBucketAccelerateConfiguration",
                get_bucket_accelerate_configuration
            ),
            get!(cx, name, "s3:GetObjectLockConfiguration", get_object_lock_configuration),
        )
    };
    let (
        (tagging, encryption, versioning, public_access, ownership, lifecycle, cors),
        (logging, notification, replication, website, acceleration, lock),
    ) = try_join!(first, second)?;
    let tags = tagging.map(|tagging| tagging.tag_set).unwrap_or_default();
    let lock = lock.and_then(|lock| lock.object_lock_configuration);
    Ok(Bucket {
        bucket_name: Some(Fixed(name.to_owned())),
        bucket_namespace: None,
        bucket_encryption: encryption
            .and_then(|encryption| encryption.server_side_encryption_configuration)
            .map(|encryption| convert::of_encryption(&encryption)),
        versioning_configuration: versioning
            .and_then(|versioning| versioning.status)
            .map(|status| Versioning { status: status.as_str().to_owned() }),
        public_access_block_configuration: public_access
            .and_then(|public| public.public_access_block_configuration)
            .map(|public| PublicAccessBlock {
                block_public_acls: public.block_public_acls,
                block_public_policy: public.block_public_policy,
                ignore_public_acls: public.ignore_public_acls,
                restrict_public_buckets: public.restrict_public_buckets,
            }),
        ownership_controls: ownership
            .and_then(|ownership| ownership.ownership_controls)
            .map(|controls| of_ownership(&controls)),
        lifecycle_configuration: lifecycle.as_ref().and_then(convert::of_lifecycle),
        cors_configuration: cors.map(|cors| convert::of_cors(cors.cors_rules())),
        logging_configuration: logging
            .and_then(|logging| logging.logging_enabled)
            .map(|logging| convert::of_logging(&logging)),
        notification_configuration: notification
            .as_ref()
            .and_then(convert::of_notification)
            .map(Late),
        replication_configuration: replication
            .and_then(|replication| replication.replication_configuration)
            .map(|replication| Late(rules::of_replication(&replication))),
        website_configuration: website.as_ref().map(convert::of_website),
        accelerate_configuration: acceleration
            .and_then(|acceleration| acceleration.status)
            .map(|status| Acceleration { acceleration_status: status.as_str().to_owned() }),
        object_lock_enabled: Some(lock.is_some()),
        object_lock_configuration: lock.as_ref().map(convert::of_object_lock),
        tags: Some(tags.into_iter().map(|tag| (tag.key, tag.value)).collect()),
    })
}

fn of_ownership(from: &sdk::OwnershipControls) -> OwnershipControls {
    let rule = |rule: &sdk::OwnershipControlsRule| OwnershipRule {
        object_ownership: Some(rule.object_ownership.as_str().to_owned()),
    };
    OwnershipControls { rules: from.rules().iter().map(rule).collect() }
}

pub(super) async fn acceleration(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let status = bucket.accelerate_configuration.as_ref().map(|a| a.acceleration_status.as_str());
    let status = sdk::BucketAccelerateStatus::from(status.unwrap_or("Suspended"));
    let request =
        cx.s3().put_bucket_accelerate_configuration().bucket(name).accelerate_configuration(
            sdk::AccelerateConfiguration::builder().status(status).build(),
        );
    cx.mutate("s3:PutBucketAccelerateConfiguration", || request.clone().send()).await?;
    Ok(())
}

pub(super) async fn encryption(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let Some(encryption) = &bucket.bucket_encryption else {
        let request = cx.s3().delete_bucket_encryption().bucket(name);
        cx.mutate("s3:DeleteBucketEncryption", || request.clone().send()).await?;
        return Ok(());
    };
    let request = cx
        .s3()
        .put_bucket_encryption()
        .bucket(name)
        .server_side_encryption_configuration(convert::encryption(encryption)?);
    cx.mutate("s3:PutBucketEncryption", || request.clone().send()).await?;
    Ok(())
}

pub(super) async fn cors(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let Some(cors) = &bucket.cors_configuration else {
        let request = cx.s3().delete_bucket_cors().bucket(name);
        cx.mutate("s3:DeleteBucketCors", || request.clone().send()).await?;
        return Ok(());
    };
    let request = cx.s3().put_bucket_cors().bucket(name).cors_configuration(convert::cors(cors)?);
    cx.mutate("s3:PutBucketCors", || request.clone().send()).await?;
    Ok(())
}

pub(super) async fn lifecycle(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let Some(lifecycle) = &bucket.lifecycle_configuration else {
        let request = cx.s3().delete_bucket_lifecycle().bucket(name);
        cx.mutate("s3:DeleteBucketLifecycle", || request.clone().send()).await?;
        return Ok(());
    };
    let smallest = lifecycle.transition_default_minimum_object_size.as_deref();
    let request = cx
        .s3()
        .put_bucket_lifecycle_configuration()
        .bucket(name)
        .set_transition_default_minimum_object_size(smallest.map(Into::into))
        .lifecycle_configuration(convert::lifecycle(lifecycle)?);
    cx.mutate("s3:PutBucketLifecycleConfiguration", || request.clone().send()).await?;
    Ok(())
}

/// Without an inner part S3 stops logging.
pub(super) async fn logging(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let logging = bucket.logging_configuration.as_ref();
    let logging = logging.map(|logging| convert::logging(logging, name)).transpose()?;
    let status = sdk::BucketLoggingStatus::builder().set_logging_enabled(logging).build();
    let request = cx.s3().put_bucket_logging().bucket(name).bucket_logging_status(status);
    cx.mutate("s3:PutBucketLogging", || request.clone().send()).await?;
    Ok(())
}

/// An empty configuration tells nobody.
pub(super) async fn notification(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let notification = match &bucket.notification_configuration {
        Some(notification) => convert::notification(notification)?,
        None => sdk::NotificationConfiguration::builder().build(),
    };
    let request = cx
        .s3()
        .put_bucket_notification_configuration()
        .bucket(name)
        .notification_configuration(notification);
    cx.mutate("s3:PutBucketNotificationConfiguration", || request.clone().send()).await?;
    Ok(())
}

/// Sets the lock with its default; without one versions are locked one by one.
pub(super) async fn object_lock(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let lock = convert::object_lock(bucket.object_lock_configuration.as_ref());
    let request =
        cx.s3().put_object_lock_configuration().bucket(name).object_lock_configuration(lock);
    cx.mutate("s3:PutObjectLockConfiguration", || request.clone().send()).await?;
    Ok(())
}

/// A new bucket's owner owns everything in it. To delete the controls would
/// leave uploads to their uploaders.
pub(super) async fn ownership(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let owner = bucket.ownership().unwrap_or("BucketOwnerEnforced");
    let rule = sdk::OwnershipControlsRule::builder().object_ownership(owner.into()).build()?;
    let controls = sdk::OwnershipControls::builder().rules(rule).build()?;
    let request = cx.s3().put_bucket_ownership_controls().bucket(name).ownership_controls(controls);
    cx.mutate("s3:PutBucketOwnershipControls", || request.clone().send()).await?;
    Ok(())
}

/// A new bucket refuses all public access. To delete the block would allow it.
pub(super) async fn public_access(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let block = bucket.public_access_block_configuration.as_ref();
    let on = |of: fn(&PublicAccessBlock) -> Option<bool>| block.map_or(Some(true), of);
    let configuration = sdk::PublicAccessBlockConfiguration::builder()
        .set_block_public_acls(on(|block| block.block_public_acls))
        .set_block_public_policy(on(|block| block.block_public_policy))
        .set_ignore_public_acls(on(|block| block.ignore_public_acls))
        .set_restrict_public_buckets(on(|block| block.restrict_public_buckets))
        .build();
    let request = cx
        .s3()
        .put_public_access_block()
        .bucket(name)
        .public_access_block_configuration(configuration);
    cx.mutate("s3:PutPublicAccessBlock", || request.clone().send()).await?;
    Ok(())
}

pub(super) async fn replication(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let Some(replication) = &bucket.replication_configuration else {
        let request = cx.s3().delete_bucket_replication().bucket(name);
        cx.mutate("s3:DeleteBucketReplication", || request.clone().send()).await?;
        return Ok(());
    };
    let request = cx
        .s3()
        .put_bucket_replication()
        .bucket(name)
        .replication_configuration(rules::replication(replication)?);
    cx.mutate("s3:PutBucketReplication", || request.clone().send()).await?;
    Ok(())
}

/// Versioning that was on can only be suspended.
pub(super) async fn versioning(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let status = bucket.versioning_configuration.as_ref().map(|v| v.status.as_str());
    let status = sdk::BucketVersioningStatus::from(status.unwrap_or("Suspended"));
    let configuration = sdk::VersioningConfiguration::builder().status(status).build();
    let request =
        cx.s3().put_bucket_versioning().bucket(name).versioning_configuration(configuration);
    cx.mutate("s3:PutBucketVersioning", || request.clone().send()).await?;
    Ok(())
}

pub(super) async fn website(bucket: &Bucket, name: &str, cx: &Cx) -> Result<()> {
    let Some(website) = &bucket.website_configuration else {
        let request = cx.s3().delete_bucket_website().bucket(name);
        cx.mutate("s3:DeleteBucketWebsite", || request.clone().send()).await?;
        return Ok(());
    };
    let request =
        cx.s3().put_bucket_website().bucket(name).website_configuration(convert::website(website)?);
    cx.mutate("s3:PutBucketWebsite", || request.clone().send()).await?;
    Ok(())
}

/// S3 takes only the whole set of tags: those of others stay in it.
pub(super) async fn tags(changes: TagChanges, name: &str, cx: &Cx) -> Result<()> {
    if changes == TagChanges::default() {
        return Ok(());
    }
    let live = get!(cx, name, "s3:GetBucketTagging", get_bucket_tagging).await?;
    let live = live.map(|live| live.tag_set).unwrap_or_default();
    let live: Tags = live.into_iter().map(|tag| (tag.key, tag.value)).collect();
    let is_new = |tag: &&Tag| changes.set.iter().any(|set| set.key == tag.key);
    let kept = live.iter().filter(|tag| !is_new(tag) && !changes.remove.contains(&tag.key));
    let tags = kept.chain(&changes.set).map(convert::tag).collect::<Result<Vec<_>>>()?;
    if tags.is_empty() {
        let request = cx.s3().delete_bucket_tagging().bucket(name);
        cx.mutate("s3:DeleteBucketTagging", || request.clone().send()).await?;
        return Ok(());
    }
    let tagging = sdk::Tagging::builder().set_tag_set(Some(tags)).build()?;
    let request = cx.s3().put_bucket_tagging().bucket(name).tagging(tagging);
    cx.mutate("s3:PutBucketTagging", || request.clone().send()).await?;
    Ok(())
}
