//! `AWS::Lambda::EventInvokeConfig`: how asynchronous calls of a function are
//! repeated, and where their results go.

use crate::resource::{
    Changes, Cx, Desired, Fixed, Found as _, Id, Live, Meta, Place, Ready, Recorded, Resource,
    Result,
};
use aws_sdk_lambda::types;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A configuration. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-eventinvokeconfig.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct EventInvokeConfig {
    /// Where the results go.
    pub destination_config: Option<DestinationConfig>,
    /// The function.
    pub function_name: Fixed<Ready<String>>,
    /// Seconds after which an event is given up.
    #[schemars(range(min = 60, max = 21_600))]
    pub maximum_event_age_in_seconds: Option<i32>,
    /// How often a failed call is repeated.
    #[schemars(range(min = 0, max = 2))]
    pub maximum_retry_attempts: Option<i32>,
    /// The version or alias that it is for: `$LATEST` for the function itself.
    pub qualifier: Fixed<Ready<String>>,
}

/// Where the results go.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct DestinationConfig {
    /// Where events go that were given up.
    pub on_failure: Option<Destination>,
    /// Where results go.
    pub on_success: Option<Destination>,
}

/// What receives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Destination {
    /// The ARN of a queue, topic, function, event bus or, for failures, bucket.
    #[schemars(length(max = 350))]
    pub destination: String,
}

/// It has no attributes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

impl Resource for EventInvokeConfig {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Lambda::EventInvokeConfig").overwrites();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::join([desired.text("FunctionName")?, desired.text("Qualifier")?]))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [function, qualifier] = id.parts();
        let request = cx
            .lambda()
            .get_function_event_invoke_config()
            .function_name(function)
            .qualifier(qualifier);
        let operation = "lambda:GetFunctionEventInvokeConfig";
        let answer = cx.observe(operation, || request.clone().send()).await.found()?;
        Ok(answer.map(|answer| Live {
            id: id.clone(),
            properties: Self {
                destination_config: answer.destination_config.map(Into::into),
                function_name: Fixed(Ready(function.to_owned())),
                maximum_event_age_in_seconds: answer.maximum_event_age_in_seconds,
                maximum_retry_attempts: answer.maximum_retry_attempts,
                qualifier: Fixed(Ready(qualifier.to_owned())),
            },
            attributes: Attributes {},
        }))
    }

    /// One call sets everything; what it leaves out gets Lambda's default.
    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_some() && changes.is_empty() {
            return Ok(Attributes {});
        }
        let request = cx
            .lambda()
            .put_function_event_invoke_config()
            .function_name(self.function_name.as_str())
            .qualifier(self.qualifier.as_str())
            .set_maximum_event_age_in_seconds(self.maximum_event_age_in_seconds)
            .set_maximum_retry_attempts(self.maximum_retry_attempts)
            .set_destination_config(self.destination_config.as_ref().map(DestinationConfig::sdk));
        let operation = "lambda:PutFunctionEventInvokeConfig";
        cx.mutate(operation, || request.clone().send()).await?;
        if current.is_none() {
            let id = Id::join([self.function_name.as_str(), self.qualifier.as_str()]);
            cx.created(&id, json!({})).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [function, qualifier] = recorded.id.parts();
        let request = cx
            .lambda()
            .delete_function_event_invoke_config()
            .function_name(function)
            .qualifier(qualifier);
        let operation = "lambda:DeleteFunctionEventInvokeConfig";
        cx.mutate(operation, || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl DestinationConfig {
    fn sdk(&self) -> types::DestinationConfig {
        let arn = |to: &Option<Destination>| to.as_ref().map(|to| to.destination.clone());
        let failure = types::OnFailure::builder().set_destination(arn(&self.on_failure)).build();
        let success = types::OnSuccess::builder().set_destination(arn(&self.on_success)).build();
        types::DestinationConfig::builder()
            .set_on_failure(self.on_failure.as_ref().map(|_| failure))
            .set_on_success(self.on_success.as_ref().map(|_| success))
            .build()
    }
}

impl From<types::DestinationConfig> for DestinationConfig {
    fn from(config: types::DestinationConfig) -> Self {
        let to = |arn: Option<String>| {
            let arn = arn.filter(|arn| !arn.is_empty());
            arn.map(|destination| Destination { destination })
        };
        Self {
            on_failure: to(config.on_failure.and_then(|it| it.destination)),
            on_success: to(config.on_success.and_then(|it| it.destination)),
        }
    }
}
