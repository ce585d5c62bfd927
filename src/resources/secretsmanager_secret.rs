//! `AWS::SecretsManager::Secret`: a secret, whose value payctl never stores or
//! shows.

use super::secretsmanager_secret_value::GenerateSecretString;
use crate::aws::owned::{ADDRESS_TAG, DEPLOYMENT_TAG};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Poll, Recorded, Resource, Result, Secret as Hidden, Set, Tag, Tags, WriteOnly,
};
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretOutput;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, StatusType, Tag as SdkTag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::time::Duration;

/// A secret. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-secretsmanager-secret.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Secret {
    /// What it is for.
    #[schemars(length(max = 2048))]
    pub description: Option<String>,
    /// How Secrets Manager makes up its value. A change makes up another.
    pub generate_secret_string: Option<WriteOnly<GenerateSecretString>>,
    /// The KMS key that encrypts it: id, ARN or alias.
    #[schemars(length(max = 2048))]
    pub kms_key_id: Option<String>,
    /// Its name; slashes make a path.
    #[schemars(length(max = 512))]
    pub name: Option<Fixed<String>>,
    /// Where copies of it are kept.
    pub replica_regions: Option<Set<ReplicaRegion>>,
    /// Its value: a parameter that is `NoEcho`. State holds a hash of it.
    #[schemars(length(min = 1, max = 65_536))]
    pub secret_string: Option<Hidden<String>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// Where a copy is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct ReplicaRegion {
    /// The KMS key of that region that encrypts the copy.
    pub kms_key_id: Option<String>,
    /// The region.
    pub region: String,
}

/// What Secrets Manager gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN, which ends in characters that Secrets Manager makes up.
    pub id: Early<String>,
}

/// The key that encrypts what names no key.
const OWN_KEY: &str = "alias/aws/secretsmanager";

/// How long a name may stay taken after a deletion, and a copy may take.
const SETTLES: Duration = Duration::from_secs(10 * 60);

/// The name is unique in its account and region and known beforehand, which
/// the ARN is not: it names the secret here. `Ref` returns the ARN.
impl Resource for Secret {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SecretsManager::Secret")
        .named("Name", 512)
        .taggable()
        .reference("Id")
        .holds_data()
        .unsupported(&["Type"]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("Name")?))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |path: &str| {
            desired.0.pointer(&format!("/{path}")).is_some_and(|value| !value.is_null())
        };
        let mut faults = Vec::new();
        if is_set("SecretString") && is_set("GenerateSecretString") {
            let message = "a secret has one value: leave this or GenerateSecretString out";
            faults.push(Fault::new("SecretString", message));
        }
        let key = is_set("GenerateSecretString/GenerateStringKey");
        if key != is_set("GenerateSecretString/SecretStringTemplate") {
            let message = "GenerateStringKey and SecretStringTemplate belong together: the value \
                           is put into the template under the key";
            faults.push(Fault::new("GenerateSecretString", message));
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(found) = describe(id.as_str(), cx).await? else { return Ok(None) };
        if found.deleted_date.is_some() {
            return Ok(None);
        }
        let arn = found.arn.clone().unwrap_or_default();
        let properties = Self {
            description: found.description.clone().filter(|text| !text.is_empty()),
            kms_key_id: found.kms_key_id.clone().filter(|key| key != OWN_KEY),
            name: Some(Fixed(id.to_string())),
            replica_regions: Some(replicas(&found)),
            tags: Some(tags(&found).into_iter().collect()),
            ..Self::default()
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: Attributes { id: Early(arn) } }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let attributes = match current {
            None => self.create(cx).await?,
            Some(live) => {
                self.update(live, changes, cx).await?;
                live.attributes.clone()
            }
        };
        if self.replica_regions.is_some() {
            self.await_replicas(cx).await?;
        }
        Ok(attributes)
    }

    /// For good and at once, so that the name is free for another secret. A
    /// secret with copies cannot be deleted.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let name = recorded.id.as_str();
        let Some(found) = describe(name, cx).await? else { return Ok(()) };
        let regions = replicas(&found).0.into_iter().map(|replica| replica.region).collect();
        remove_replicas(name, regions, cx).await?;
        delete_now(name, cx).await
    }
}

impl Secret {
    fn name(&self) -> &str {
        self.name.as_deref().map_or("", String::as_str)
    }

    /// Returns the value: the given one, or one that is made up now.
    async fn value(&self, cx: &Cx) -> Result<Option<String>> {
        match (&self.secret_string, &self.generate_secret_string) {
            (Some(value), _) => Ok(Some(value.0.clone())),
            (None, Some(rule)) => rule.value(cx).await.map(Some),
            (None, None) => Ok(None),
        }
    }

    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let value = self.value(cx).await?;
        let answer = match self.try_create(value.as_deref(), cx).await {
            Err(failure) if is_leaving(&failure) => {
                self.free_name(failure, cx).await?;
                cx.wait(SETTLES, || async {
                    match self.try_create(value.as_deref(), cx).await {
                        Err(failure) if is_leaving(&failure) => {
                            Ok(Poll::Pending("the deleted secret still has the name".to_owned()))
                        }
                        answer => answer.map(Poll::Ready),
                    }
                })
                .await?
            }
            answer => answer?,
        };
        let attributes = Attributes { id: Early(answer.arn.unwrap_or_default()) };
        cx.created(&Id::from(self.name()), json!(attributes)).await?;
        Ok(attributes)
    }

    async fn try_create(&self, value: Option<&str>, cx: &Cx) -> Result<CreateSecretOutput> {
        let replicas = self.replica_regions.iter().flat_map(|all| all.iter());
        let replicas: Vec<_> = replicas.map(ReplicaRegion::sdk).collect();
        let request = cx
            .secretsmanager()
            .create_secret()
            .name(self.name())
            .set_description(self.description.clone())
            .set_kms_key_id(self.kms_key_id.clone())
            .set_secret_string(value.map(str::to_owned))
            .set_add_replica_regions((!replicas.is_empty()).then_some(replicas))
            .set_tags(Some(self.tags.iter().flat_map(Tags::iter).map(sdk_tag).collect()));
        cx.mutate("secretsmanager:CreateSecret", || request.clone().send()).await
    }

    /// Deals with a secret of this name that is scheduled for deletion: our
    /// own, which is to go anyway, goes now; another is not ours to end.
    async fn free_name(&self, failure: Failure, cx: &Cx) -> Result<()> {
        let Some(found) = describe(self.name(), cx).await? else { return Ok(()) };
        let owner = self.tags.iter().flat_map(Tags::iter);
        let is_ours = |key: &str| {
            let ours = owner.clone().find(|tag| tag.key == key).map(|tag| &tag.value);
            ours.is_some() && tags(&found).get(key) == ours
        };
        if is_ours(DEPLOYMENT_TAG) && is_ours(ADDRESS_TAG) {
            return delete_now(self.name(), cx).await;
        }
        let message = format!(
            "{} The secret {} is not this deployment's. Restore it, delete it without recovery, \
             or choose another name",
            failure.message,
            self.name()
        );
        Err(Failure { message, ..failure })
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let value = match self.has_new_value(changes, cx).await? {
            true => self.value(cx).await?,
            false => None,
        };
        let has = |property| changes.has(property);
        if value.is_some() || changes.any(&["Description", "KmsKeyId"]) {
            let key = self.kms_key_id.clone().unwrap_or_else(|| OWN_KEY.to_owned());
            let request = cx
                .secretsmanager()
                .update_secret()
                .secret_id(self.name())
                .set_description(
                    has("Description").then(|| self.description.clone().unwrap_or_default()),
                )
                .set_kms_key_id(has("KmsKeyId").then_some(key))
                .set_secret_string(value);
            cx.mutate("secretsmanager:UpdateSecret", || request.clone().send()).await?;
        }
        if has("ReplicaRegions") {
            self.update_replicas(&live.properties, cx).await?;
        }
        self.update_tags(changes, cx).await
    }

    /// Whether the changes call for another value. A secret that was found
    /// again keeps the value that was made up for it.
    async fn has_new_value(&self, changes: &Changes, cx: &Cx) -> Result<bool> {
        if changes.has("SecretString") {
            return Ok(self.secret_string.is_some() || self.generate_secret_string.is_some());
        }
        let rule = changes.0.iter().find(|change| change.property() == "GenerateSecretString");
        let Some(rule) = rule.filter(|_| self.generate_secret_string.is_some()) else {
            return Ok(false);
        };
        if !rule.before.is_null() {
            return Ok(true);
        }
        let found = describe(self.name(), cx).await?;
        let versions = found.and_then(|found| found.version_ids_to_stages);
        Ok(versions.is_none_or(|versions| versions.is_empty()))
    }

    async fn update_replicas(&self, live: &Self, cx: &Cx) -> Result<()> {
        let list = |of: &Self| of.replica_regions.clone().map_or_else(Vec::new, |all| all.0);
        let (live, desired) = (list(live), list(self));
        let key = |replica: &ReplicaRegion| {
            replica.kms_key_id.clone().unwrap_or_else(|| OWN_KEY.to_owned())
        };
        // The key of a copy changes only with the copy.
        let is_in = |list: &[ReplicaRegion], one: &ReplicaRegion| {
            list.iter().any(|other| other.region == one.region && key(other) == key(one))
        };
        let gone = live.iter().filter(|one| !is_in(&desired, one));
        remove_replicas(self.name(), gone.map(|one| one.region.clone()).collect(), cx).await?;
        let new = desired.iter().filter(|one| !is_in(&live, one)).map(ReplicaRegion::sdk);
        let new: Vec<_> = new.collect();
        if !new.is_empty() {
            let request = cx
                .secretsmanager()
                .replicate_secret_to_regions()
                .secret_id(self.name())
                .set_add_replica_regions(Some(new));
            let operation = "secretsmanager:ReplicateSecretToRegions";
            cx.mutate(operation, || request.clone().send()).await?;
        }
        Ok(())
    }

    async fn await_replicas(&self, cx: &Cx) -> Result<()> {
        cx.wait(SETTLES, || async {
            let found = describe(self.name(), cx).await?;
            let states = found.and_then(|found| found.replication_status).unwrap_or_default();
            for state in &states {
                let region = state.region().unwrap_or_default();
                match state.status() {
                    Some(StatusType::InProgress) => {
                        return Ok(Poll::Pending(format!("the secret is copied to {region}")));
                    }
                    Some(StatusType::Failed) => {
                        return Err(Failure::refused(format!(
                            "the secret could not be copied to {region}: {}",
                            state.status_message().unwrap_or_default()
                        )));
                    }
                    _ => {}
                }
            }
            Ok(Poll::Ready(()))
        })
        .await
    }

    async fn update_tags(&self, changes: &Changes, cx: &Cx) -> Result<()> {
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = tags.set.iter().map(sdk_tag).collect();
            let request =
                cx.secretsmanager().tag_resource().secret_id(self.name()).set_tags(Some(set));
            cx.mutate("secretsmanager:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request = cx
                .secretsmanager()
                .untag_resource()
                .secret_id(self.name())
                .set_tag_keys(Some(tags.remove));
            cx.mutate("secretsmanager:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }
}

impl ReplicaRegion {
    fn sdk(&self) -> ReplicaRegionType {
        ReplicaRegionType::builder()
            .region(&self.region)
            .set_kms_key_id(self.kms_key_id.clone())
            .build()
    }
}

/// Whether the name is still that of a secret that was deleted.
fn is_leaving(failure: &Failure) -> bool {
    failure.class == Class::Terminal && failure.message.contains("scheduled for deletion")
}

/// Returns what is known of a secret, also of one that is scheduled for
/// deletion.
async fn describe(name: &str, cx: &Cx) -> Result<Option<DescribeSecretOutput>> {
    let request = cx.secretsmanager().describe_secret().secret_id(name);
    cx.observe("secretsmanager:DescribeSecret", || request.clone().send()).await.found()
}

async fn delete_now(name: &str, cx: &Cx) -> Result<()> {
    let request =
        cx.secretsmanager().delete_secret().secret_id(name).force_delete_without_recovery(true);
    cx.mutate("secretsmanager:DeleteSecret", || request.clone().send()).await.found()?;
    Ok(())
}

async fn remove_replicas(name: &str, regions: Vec<String>, cx: &Cx) -> Result<()> {
    if regions.is_empty() {
        return Ok(());
    }
    let request = cx
        .secretsmanager()
        .remove_regions_from_replication()
        .secret_id(name)
        .set_remove_replica_regions(Some(regions));
    let operation = "secretsmanager:RemoveRegionsFromReplication";
    cx.mutate(operation, || request.clone().send()).await.found()?;
    Ok(())
}

fn replicas(found: &DescribeSecretOutput) -> Set<ReplicaRegion> {
    let replica = |status: &aws_sdk_secretsmanager::types::ReplicationStatusType| ReplicaRegion {
        kms_key_id: status.kms_key_id.clone().filter(|key| key != OWN_KEY),
        region: status.region.clone().unwrap_or_default(),
    };
    found.replication_status.iter().flatten().map(replica).collect()
}

fn tags(found: &DescribeSecretOutput) -> HashMap<String, String> {
    let tags = found.tags.iter().flatten();
    tags.filter_map(|tag| Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))).collect()
}

fn sdk_tag(tag: &Tag) -> SdkTag {
    SdkTag::builder().key(&tag.key).value(&tag.value).build()
}
