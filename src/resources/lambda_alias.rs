//! `AWS::Lambda::Alias`: a name for a version of a function, or for two that
//! share its calls.

use super::lambda::{
    ProvisionedConcurrencyConfig, await_provisioned, name_fault, provision, provisioned,
};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Place, Ready, Recorded,
    Resource, Result, Set,
};
use aws_sdk_lambda::types::AliasRoutingConfiguration;
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An alias. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-alias.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Alias {
    /// What it is for.
    #[schemars(length(max = 256))]
    pub description: Option<String>,
    /// The function, by its name.
    pub function_name: Fixed<Ready<String>>,
    /// The version that it stands for.
    #[schemars(length(max = 1024))]
    pub function_version: Ready<String>,
    /// Its name; not only digits.
    #[schemars(length(min = 1, max = 128))]
    pub name: Fixed<String>,
    /// Instances that are kept ready.
    pub provisioned_concurrency_config: Option<ProvisionedConcurrencyConfig>,
    /// The version that gets a share of the calls.
    pub routing_config: Option<RoutingConfig>,
}

/// The versions that get a share of the calls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct RoutingConfig {
    /// The versions beside the alias's own; Lambda takes one.
    #[schemars(length(max = 1))]
    pub additional_version_weights: Option<Set<VersionWeight>>,
}

/// A version's share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct VersionWeight {
    /// The version.
    pub function_version: String,
    /// Its share of the calls, 0 to 1.
    #[schemars(range(min = 0, max = 1))]
    pub function_weight: f64,
}

/// What Lambda gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub alias_arn: Early<String>,
}

impl Resource for Alias {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Lambda::Alias");

    fn identity(desired: Desired<'_>, place: &Place) -> Option<Id> {
        let (function, name) = (desired.text("FunctionName")?, desired.text("Name")?);
        Some(Id::from(place.arn("lambda", &format!("function:{function}:{name}"))))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        let id = Self::identity(desired, place);
        id.map_or(Value::Null, |arn| json!({ "AliasArn": arn }))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        let mut faults: Vec<_> = name_fault(desired).into_iter().collect();
        if is_set("ProvisionedConcurrencyConfig") && is_set("RoutingConfig") {
            let message =
                "an alias that keeps instances ready stands for one version: leave it out";
            faults.push(Fault::new("RoutingConfig", message));
        }
        let is_number = |name: &&str| name.bytes().all(|byte| byte.is_ascii_digit());
        if desired.text("Name").filter(is_number).is_some() {
            faults.push(Fault::new("Name", "digits alone are a version: write a name"));
        }
        let latest = desired.text("FunctionVersion") == Some("$LATEST");
        if latest && is_set("RoutingConfig") {
            let message = "an alias of $LATEST shares its calls with no other version: write a \
                           version";
            faults.push(Fault::new("FunctionVersion", message));
        }
        if latest && is_set("ProvisionedConcurrencyConfig") {
            let message = "Lambda keeps no instances of $LATEST ready: publish an \
                           AWS::Lambda::Version and write '${Version.Version}'";
            faults.push(Fault::new("FunctionVersion", message));
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let (function, name) = parts(id.as_str());
        let request = cx.lambda().get_alias().function_name(function).name(name);
        let answers = try_join!(
            cx.observe("lambda:GetAlias", || request.clone().send()),
            provisioned(function, name, cx),
        );
        let Some((answer, provisioned)) = answers.found()? else { return Ok(None) };
        let weights = answer.routing_config.and_then(|routing| routing.additional_version_weights);
        let weight = |(function_version, function_weight)| VersionWeight {
            function_version,
            function_weight,
        };
        let properties = Self {
            description: answer.description.filter(|text| !text.is_empty()),
            function_name: Fixed(Ready(function.to_owned())),
            function_version: Ready(answer.function_version.unwrap_or_default()),
            name: Fixed(name.to_owned()),
            provisioned_concurrency_config: provisioned,
            routing_config: weights.filter(|weights| !weights.is_empty()).map(|weights| {
                let weights = weights.into_iter().map(weight).collect();
                RoutingConfig { additional_version_weights: Some(weights) }
            }),
        };
        Ok(Some(Live { id: id.clone(), properties, attributes: attributes(id) }))
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
                self.update(changes, cx).await?;
                Ok(attributes(&live.id))
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let (function, name) = parts(recorded.id.as_str());
        let applied = recorded.applied.as_ref();
        if applied.is_some_and(|alias| alias.provisioned_concurrency_config.is_some()) {
            provision(function, name, None, cx).await?;
        }
        let request = cx.lambda().delete_alias().function_name(function).name(name);
        cx.mutate("lambda:DeleteAlias", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Alias {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .lambda()
            .create_alias()
            .function_name(self.function_name.as_str())
            .name(self.name.as_str())
            .function_version(self.function_version.as_str())
            .set_description(self.description.clone())
            .set_routing_config(self.routing_config.as_ref().map(RoutingConfig::sdk));
        cx.mutate("lambda:CreateAlias", || request.clone().send()).await?;
        let arn = format!("function:{}:{}", self.function_name.as_str(), self.name.as_str());
        let id = Id::from(cx.place.arn("lambda", &arn));
        cx.created(&id, json!(attributes(&id))).await?;
        let config = self.provisioned_concurrency_config.as_ref();
        if config.is_some() {
            provision(&self.function_name, &self.name, config, cx).await?;
        }
        Ok(attributes(&id))
    }

    async fn update(&self, changes: &Changes, cx: &Cx) -> Result<()> {
        let has = |property| changes.has(property);
        let config = self.provisioned_concurrency_config.as_ref();
        // Versions cannot share what is kept ready for one.
        if has("ProvisionedConcurrencyConfig") && config.is_none() {
            provision(&self.function_name, &self.name, None, cx).await?;
        }
        if changes.any(&["Description", "FunctionVersion", "RoutingConfig"]) {
            let description = self.description.clone().unwrap_or_default();
            let version = self.function_version.0.clone();
            let routing = self.routing_config.clone().unwrap_or_default();
            let request = cx
                .lambda()
                .update_alias()
                .function_name(self.function_name.as_str())
                .name(self.name.as_str())
                .set_description(has("Description").then_some(description))
                .set_function_version(has("FunctionVersion").then_some(version))
                .set_routing_config(has("RoutingConfig").then(|| routing.sdk()));
            cx.mutate("lambda:UpdateAlias", || request.clone().send()).await?;
        }
        if config.is_some() && has("ProvisionedConcurrencyConfig") {
            provision(&self.function_name, &self.name, config, cx).await?;
        } else if config.is_some() && has("FunctionVersion") {
            // Lambda moves what is ready to the new version by itself.
            await_provisioned(&self.function_name, &self.name, cx).await?;
        }
        Ok(())
    }
}

impl RoutingConfig {
    fn sdk(&self) -> AliasRoutingConfiguration {
        let weights = self.additional_version_weights.iter().flat_map(|weights| weights.iter());
        let weights = weights.map(|it| (it.function_version.clone(), it.function_weight));
        AliasRoutingConfiguration::builder()
            .set_additional_version_weights(Some(weights.collect()))
            .build()
    }
}

fn attributes(id: &Id) -> Attributes {
    Attributes { alias_arn: Early(id.to_string()) }
}

/// Returns the function's name and the alias's.
fn parts(arn: &str) -> (&str, &str) {
    let mut parts = arn.rsplit(':');
    let name = parts.next().unwrap_or_default();
    (parts.next().unwrap_or_default(), name)
}
