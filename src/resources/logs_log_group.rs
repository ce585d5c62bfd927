//! `AWS::Logs::LogGroup`: where log streams live, with their retention and key.

use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Json, Live, Meta, Place, Poll,
    Recorded, Resource, Result, Tags,
};
use aws_sdk_cloudwatchlogs::types::{DataProtectionStatus, LogGroup as Description, LogGroupClass};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;

/// A log group. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-logs-loggroup.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LogGroup {
    /// Its name.
    #[schemars(length(min = 1, max = 512), extend("pattern" = "^[.\\-_/#A-Za-z0-9]{1,512}$"))]
    pub log_group_name: Option<Fixed<String>>,
    /// What it can do, and so what it costs.
    #[schemars(extend("enum" = ["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"]))]
    pub log_group_class: Option<Fixed<String>>,
    /// Days that events are kept; unset, for ever.
    #[schemars(extend("enum" = [
        1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
        2922, 3288, 3653
    ]))]
    pub retention_in_days: Option<i32>,
    /// The ARN of the KMS key that encrypts new events; its policy has to let
    /// the region's Logs service use it.
    #[schemars(
        length(max = 256),
        extend("pattern" = "^arn:[a-z0-9-]+:kms:[a-z0-9-]+:\\d{12}:(key|alias)/.+$")
    )]
    pub kms_key_id: Option<String>,
    /// Which sensitive data is found and masked.
    pub data_protection_policy: Option<Json>,
    /// Whether it refuses to be deleted.
    pub deletion_protection_enabled: Option<bool>,
    /// Whether writers may authenticate with a bearer token.
    pub bearer_token_authentication_enabled: Option<bool>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What CloudWatch Logs gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN with `:*` at the end, which stands for its streams.
    pub arn: Early<String>,
}

impl Resource for LogGroup {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Logs::LogGroup")
        .named("LogGroupName", 512)
        .taggable()
        .holds_data()
        .unsupported(&["FieldIndexPolicies", "ResourcePolicyDocument"]);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("LogGroupName")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("LogGroupName") {
            Some(name) => json!(attributes(name, place)),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let refuses = |property: &str, class: &str, message: &str| {
            (desired.text("LogGroupClass") == Some(class) && desired.get(property).is_some())
                .then(|| Fault::new(property, message))
        };
        [
            refuses(
                "RetentionInDays",
                "DELIVERY",
                "groups of class DELIVERY keep events for two days; leave it out",
            ),
            refuses(
                "DataProtectionPolicy",
                "INFREQUENT_ACCESS",
                "only groups of class STANDARD mask data; leave it out, or the class",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let name = id.as_str();
        let (Some(group), Some(tags)) = try_join!(describe(name, cx), tags(name, cx))? else {
            return Ok(None);
        };
        let data_protection_policy = match group.data_protection_status {
            Some(DataProtectionStatus::Activated) => data_protection_policy(name, cx).await?,
            _ => None,
        };
        let properties = Self {
            log_group_name: Some(Fixed(id.to_string())),
            log_group_class: group.log_group_class.map(|class| Fixed(class.to_string())),
            retention_in_days: group.retention_in_days,
            kms_key_id: group.kms_key_id,
            data_protection_policy,
            deletion_protection_enabled: Some(
                group.deletion_protection_enabled.unwrap_or_default(),
            ),
            bearer_token_authentication_enabled: Some(
                group.bearer_token_authentication_enabled.unwrap_or_default(),
            ),
            tags: Some(tags),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: attributes(name, &cx.place) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            Some(live) => {
                self.update(live.id.as_str(), changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    /// A function that still writes its last lines makes its group again; one
    /// that is back is deleted again.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let name = recorded.id.as_str();
        let request = cx.logs().delete_log_group().log_group_name(name);
        cx.wait(Duration::from_secs(60), || async {
            cx.mutate("logs:DeleteLogGroup", || request.clone().send()).await.found()?;
            Ok(match describe(name, cx).await? {
                None => Poll::Ready(()),
                Some(_) => Poll::Pending(format!("{name} is there again, as if still written to")),
            })
        })
        .await
    }
}

impl LogGroup {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let name = self.log_group_name.as_ref().map(|name| name.0.clone()).unwrap_or_default();
        let class = self.log_group_class.as_ref().map(|class| LogGroupClass::from(class.as_str()));
        let request = cx
            .logs()
            .create_log_group()
            .log_group_name(&name)
            .set_log_group_class(class)
            .set_kms_key_id(self.kms_key_id.clone())
            .set_deletion_protection_enabled(self.deletion_protection_enabled)
            .set_tags(Some(self.tags.iter().flat_map(Tags::pairs).collect()));
        cx.mutate("logs:CreateLogGroup", || request.clone().send()).await?;
        let attributes = attributes(&name, &cx.place);
        cx.created(&Id::from(name.as_str()), json!(attributes)).await?;
        // One after the other: the service aborts concurrent changes of a group.
        if self.retention_in_days.is_some() {
            self.set_retention(&name, cx).await?;
        }
        if self.data_protection_policy.is_some() {
            self.set_data_protection(&name, cx).await?;
        }
        if self.bearer_token_authentication_enabled == Some(true) {
            self.set_bearer_token(&name, cx).await?;
        }
        Ok(attributes)
    }

    async fn update(&self, name: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        if changes.has("RetentionInDays") {
            self.set_retention(name, cx).await?;
        }
        if changes.has("KmsKeyId") {
            self.set_key(name, cx).await?;
        }
        if changes.has("DataProtectionPolicy") {
            self.set_data_protection(name, cx).await?;
        }
        if changes.has("DeletionProtectionEnabled") {
            self.set_deletion_protection(name, cx).await?;
        }
        if changes.has("BearerTokenAuthenticationEnabled") {
            self.set_bearer_token(name, cx).await?;
        }
        self.update_tags(name, changes, cx).await
    }

    async fn set_retention(&self, name: &str, cx: &Cx) -> Result<()> {
        if let Some(days) = self.retention_in_days {
            let request =
                cx.logs().put_retention_policy().log_group_name(name).retention_in_days(days);
            cx.mutate("logs:PutRetentionPolicy", || request.clone().send()).await?;
        } else {
            let request = cx.logs().delete_retention_policy().log_group_name(name);
            cx.mutate("logs:DeleteRetentionPolicy", || request.clone().send()).await?;
        }
        Ok(())
    }

    async fn set_key(&self, name: &str, cx: &Cx) -> Result<()> {
        if let Some(key) = &self.kms_key_id {
            let request = cx.logs().associate_kms_key().log_group_name(name).kms_key_id(key);
            cx.mutate("logs:AssociateKmsKey", || request.clone().send()).await?;
        } else {
            let request = cx.logs().disassociate_kms_key().log_group_name(name);
            cx.mutate("logs:DisassociateKmsKey", || request.clone().send()).await?;
        }
        Ok(())
    }

    async fn set_data_protection(&self, name: &str, cx: &Cx) -> Result<()> {
        if let Some(policy) = &self.data_protection_policy {
            let request = cx
                .logs()
                .put_data_protection_policy()
                .log_group_identifier(name)
                .policy_document(policy.text());
            cx.mutate("logs:PutDataProtectionPolicy", || request.clone().send()).await?;
        } else {
            let request = cx.logs().delete_data_protection_policy().log_group_identifier(name);
            cx.mutate("logs:DeleteDataProtectionPolicy", || request.clone().send())
                .await
                .found()?;
        }
        Ok(())
    }

    async fn set_deletion_protection(&self, name: &str, cx: &Cx) -> Result<()> {
        let request = cx
            .logs()
            .put_log_group_deletion_protection()
            .log_group_identifier(name)
            .deletion_protection_enabled(self.deletion_protection_enabled.unwrap_or_default());
        cx.mutate("logs:PutLogGroupDeletionProtection", || request.clone().send()).await?;
        Ok(())
    }

    async fn set_bearer_token(&self, name: &str, cx: &Cx) -> Result<()> {
        let enabled = self.bearer_token_authentication_enabled.unwrap_or_default();
        let request = cx
            .logs()
            .put_bearer_token_authentication()
            .log_group_identifier(name)
            .bearer_token_authentication_enabled(enabled);
        cx.mutate("logs:PutBearerTokenAuthentication", || request.clone().send()).await?;
        Ok(())
    }

    async fn update_tags(&self, name: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let arn = tag_arn(name, &cx.place);
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let map: HashMap<_, _> = tags.set.into_iter().map(|tag| (tag.key, tag.value)).collect();
            let request = cx.logs().tag_resource().resource_arn(&arn).set_tags(Some(map));
            cx.mutate("logs:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request =
                cx.logs().untag_resource().resource_arn(&arn).set_tag_keys(Some(tags.remove));
            cx.mutate("logs:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }
}

fn attributes(name: &str, place: &Place) -> Attributes {
    Attributes { arn: Early(format!("{}:*", tag_arn(name, place))) }
}

/// Returns the group's ARN as the tag operations want it, without `:*`.
fn tag_arn(name: &str, place: &Place) -> String {
    place.arn("logs", &format!("log-group:{name}"))
}

/// Returns the group. Groups are listed in order of their names, so that the
/// one which is nothing but the prefix comes first.
async fn describe(name: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.logs().describe_log_groups().log_group_name_prefix(name).limit(1);
    let answer = cx.observe("logs:DescribeLogGroups", || request.clone().send()).await?;
    let mut groups = answer.log_groups.unwrap_or_default().into_iter();
    Ok(groups.find(|group| group.log_group_name() == Some(name)))
}

async fn tags(name: &str, cx: &Cx) -> Result<Option<Tags>> {
    let request = cx.logs().list_tags_for_resource().resource_arn(tag_arn(name, &cx.place));
    let answer = cx.observe("logs:ListTagsForResource", || request.clone().send()).await.found()?;
    Ok(answer.map(|answer| answer.tags.unwrap_or_default().into_iter().collect()))
}

async fn data_protection_policy(name: &str, cx: &Cx) -> Result<Option<Json>> {
    let request = cx.logs().get_data_protection_policy().log_group_identifier(name);
    let answer =
        cx.observe("logs:GetDataProtectionPolicy", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.policy_document).map(|text| Json::parse(&text)))
}
