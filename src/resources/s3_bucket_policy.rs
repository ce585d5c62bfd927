//! `AWS::S3::BucketPolicy`: who may do what with a bucket.

use crate::resource::{
    Changes, Cx, Desired, Fixed, Found as _, Id, Live, Meta, Place, Policy, Recorded, Resource,
    Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A bucket's policy. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-s3-bucketpolicy.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct BucketPolicy {
    /// The name of the bucket, which has one policy.
    pub bucket: Fixed<String>,
    /// Who may do what.
    pub policy_document: Policy,
}

/// S3 gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

impl Resource for BucketPolicy {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::S3::BucketPolicy").overwrites().completes("Bucket");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("Bucket")?))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.s3().get_bucket_policy().bucket(id.as_str());
        let answer = cx.observe("s3:GetBucketPolicy", || request.clone().send()).await.found()?;
        let Some(text) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
        let properties =
            Self { bucket: Fixed(id.to_string()), policy_document: Policy::parse(&text) };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes {} }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_none() || changes.has("PolicyDocument") {
            let request = cx
                .s3()
                .put_bucket_policy()
                .bucket(&self.bucket.0)
                .policy(self.policy_document.text());
            cx.mutate("s3:PutBucketPolicy", || request.clone().send()).await?;
        }
        if current.is_none() {
            cx.created(&Id::from(self.bucket.as_str()), json!({})).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.s3().delete_bucket_policy().bucket(recorded.id.as_str());
        cx.mutate("s3:DeleteBucketPolicy", || request.clone().send()).await.found()?;
        Ok(())
    }
}
