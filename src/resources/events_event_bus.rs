//! `AWS::Events::EventBus`: a custom or partner event bus.

use crate::resource::{
    Changes, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place, Policy,
    Recorded, Resource, Result, Tags, WriteOnly,
};
use aws_sdk_eventbridge::types;
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An event bus. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-events-eventbus.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EventBus {
    /// Its name; a partner bus has that of its source.
    #[schemars(length(min = 1, max = 256))]
    pub name: Fixed<String>,
    /// The partner event source that feeds it.
    #[schemars(length(min = 1, max = 256))]
    pub event_source_name: Option<WriteOnly<String>>,
    /// What it is for.
    pub description: Option<String>,
    /// The KMS key that encrypts events: id, ARN or alias.
    pub kms_key_identifier: Option<String>,
    /// Where events go that could not be encrypted or decrypted.
    pub dead_letter_config: Option<DeadLetterConfig>,
    /// What the bus logs.
    pub log_config: Option<LogConfig>,
    /// Who may put events and manage rules. Leave it out where
    /// `AWS::Events::EventBusPolicy` adds statements.
    pub policy: Option<Policy>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// A dead-letter queue.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct DeadLetterConfig {
    /// The queue's ARN.
    pub arn: Option<String>,
}

/// What a bus logs.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct LogConfig {
    /// Whether the records hold the events' detail.
    #[schemars(extend("enum" = ["FULL", "NONE"]))]
    pub include_detail: Option<String>,
    /// How much is logged.
    #[schemars(extend("enum" = ["INFO", "ERROR", "TRACE", "OFF"]))]
    pub level: Option<String>,
}

/// What EventBridge gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its name.
    pub name: Early<String>,
}

impl Resource for EventBus {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Events::EventBus").taggable();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("Name")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("Name") {
            Some(name) => json!(Attributes::of(name, place)),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let Some(name) = desired.text("Name") else { return Vec::new() };
        let source = desired.text("EventSourceName");
        if name == "default" {
            vec![Fault::new("Name", "every account has the bus 'default': use it by that name")]
        } else if source.is_some_and(|source| source != name) {
            vec![Fault::new("Name", "a partner bus has the name of its EventSourceName")]
        } else if name.contains('/') && desired.0.get("EventSourceName").is_none_or(Value::is_null)
        {
            vec![Fault::new("Name", "only partner buses have '/' in their names")]
        } else {
            Vec::new()
        }
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let attributes = Attributes::of(id.as_str(), &cx.place);
        let details = cx.events().describe_event_bus().name(id.as_str());
        let tags = cx.events().list_tags_for_resource().resource_arn(&attributes.arn.0);
        let answers = try_join!(
            cx.observe("events:DescribeEventBus", || details.clone().send()),
            cx.observe("events:ListTagsForResource", || tags.clone().send()),
        );
        let Some((bus, tags)) = answers.found()? else { return Ok(None) };
        let log_config = bus.log_config.map(|log| LogConfig {
            include_detail: log.include_detail.map(|detail| detail.as_str().to_owned()),
            level: log.level.map(|level| level.as_str().to_owned()),
        });
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let properties = Self {
            name: Fixed(id.to_string()),
            event_source_name: None,
            description: text(bus.description),
            kms_key_identifier: text(bus.kms_key_identifier),
            dead_letter_config: bus
                .dead_letter_config
                .map(|config| DeadLetterConfig { arn: config.arn }),
            log_config,
            policy: text(bus.policy).map(|text| Policy::parse(&text)),
            tags: Some(
                tags.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect(),
            ),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes }))
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
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.events().delete_event_bus().name(recorded.id.as_str());
        cx.mutate("events:DeleteEventBus", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Attributes {
    fn of(name: &str, place: &Place) -> Self {
        Self {
            arn: Early(place.arn("events", &format!("event-bus/{name}"))),
            name: Early(name.to_owned()),
        }
    }
}

impl EventBus {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .events()
            .create_event_bus()
            .name(&self.name.0)
            .set_event_source_name(self.event_source_name.as_deref().cloned())
            .set_description(self.description.clone())
            .set_kms_key_identifier(self.kms_key_identifier.clone())
            .set_dead_letter_config(self.dead_letter_config.as_ref().map(DeadLetterConfig::sdk))
            .set_log_config(self.log_config.as_ref().map(LogConfig::sdk))
            .set_tags(self.tags.as_ref().map(sdk_tags).transpose()?);
        cx.mutate("events:CreateEventBus", || request.clone().send()).await?;
        let attributes = Attributes::of(&self.name, &cx.place);
        cx.created(&Id::from(self.name.0.clone()), json!(attributes)).await?;
        if self.policy.is_some() {
            self.update_policy(cx).await?;
        }
        Ok(attributes)
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let settings = ["DeadLetterConfig", "Description", "KmsKeyIdentifier", "LogConfig"];
        if changes.any(&settings) {
            // An empty value takes a setting back.
            let request = cx
                .events()
                .update_event_bus()
                .name(&self.name.0)
                .description(self.description.clone().unwrap_or_default())
                .kms_key_identifier(self.kms_key_identifier.clone().unwrap_or_default())
                .dead_letter_config(self.dead_letter_config.clone().unwrap_or_default().sdk())
                .log_config(self.log_config.clone().unwrap_or_else(LogConfig::off).sdk());
            cx.mutate("events:UpdateEventBus", || request.clone().send()).await?;
        }
        if changes.has("Policy") {
            self.update_policy(cx).await?;
        }
        self.update_tags(&live.attributes.arn, changes, cx).await
    }

    async fn update_policy(&self, cx: &Cx) -> Result<()> {
        match &self.policy {
            Some(policy) => {
                let request =
                    cx.events().put_permission().event_bus_name(&self.name.0).policy(policy.text());
                cx.mutate("events:PutPermission", || request.clone().send()).await?;
            }
            None => {
                let request = cx
                    .events()
                    .remove_permission()
                    .event_bus_name(&self.name.0)
                    .remove_all_permissions(true);
                cx.mutate("events:RemovePermission", || request.clone().send()).await.found()?;
            }
        }
        Ok(())
    }

    async fn update_tags(&self, arn: &str, changes: &Changes, cx: &Cx) -> Result<()> {
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = sdk_tags(&Tags(tags.set))?;
            let request = cx.events().tag_resource().resource_arn(arn).set_tags(Some(set));
            cx.mutate("events:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request =
                cx.events().untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            cx.mutate("events:UntagResource", || request.clone().send()).await?;
        }
        Ok(())
    }
}

impl DeadLetterConfig {
    fn sdk(&self) -> types::DeadLetterConfig {
        types::DeadLetterConfig::builder().set_arn(self.arn.clone()).build()
    }
}

impl LogConfig {
    fn off() -> Self {
        Self { include_detail: Some("NONE".to_owned()), level: Some("OFF".to_owned()) }
    }

    fn sdk(&self) -> types::LogConfig {
        types::LogConfig::builder()
            .set_include_detail(self.include_detail.as_deref().map(types::IncludeDetail::from))
            .set_level(self.level.as_deref().map(types::Level::from))
            .build()
    }
}

fn sdk_tags(tags: &Tags) -> Result<Vec<types::Tag>> {
    tags.iter()
        .map(|tag| types::Tag::builder().key(&tag.key).value(&tag.value).build())
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::refused(error.to_string()))
}
