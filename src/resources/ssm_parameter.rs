//! `AWS::SSM::Parameter`: a named value. Encrypted ones are not
//! CloudFormation's to make; secrets belong into Secrets Manager.

use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Json, Live, Meta, Place, Recorded,
    Resource, Result, Tag, Tags, Volatile, WriteOnly,
};
use aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder;
use aws_sdk_ssm::types::{ResourceTypeForTagging, Tag as SdkTag};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A parameter. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ssm-parameter.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Parameter {
    /// A regular expression that its values must match.
    #[schemars(length(max = 1024))]
    pub allowed_pattern: Option<WriteOnly<String>>,
    /// What its values are: text, or the id of a machine image that exists.
    #[schemars(extend("enum" = ["aws:ec2:image", "text"]))]
    pub data_type: Option<String>,
    /// What it is for.
    #[schemars(length(max = 1024))]
    pub description: Option<WriteOnly<String>>,
    /// Its name; a path begins with `/`.
    #[schemars(length(min = 1, max = 2048))]
    pub name: Option<Fixed<String>>,
    /// When it expires and who is told: a list of policies.
    #[schemars(extend("type" = ["array", "string", "null"]))]
    pub policies: Option<WriteOnly<Json>>,
    /// Its tags.
    pub tags: Option<Tags>,
    /// What it may hold and costs.
    #[schemars(extend("enum" = ["Advanced", "Intelligent-Tiering", "Standard"]))]
    pub tier: Option<WriteOnly<String>>,
    /// One value, or several separated by commas.
    #[serde(rename = "Type")]
    #[schemars(extend("enum" = ["String", "StringList"]))]
    pub kind: Fixed<String>,
    /// Its value.
    pub value: String,
}

/// What Systems Manager gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its type.
    #[serde(rename = "Type")]
    pub kind: Early<String>,
    /// Its value.
    pub value: Volatile<String>,
}

/// The bytes that a value of the standard tier may have.
const STANDARD_BYTES: usize = 4096;

impl Resource for Parameter {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::SSM::Parameter").named("Name", 512).taggable();

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("Name")?))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("Name") {
            Some(name) => json!({"Arn": arn(name, place), "Type": desired.text("Type")}),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |property: &str, message: &str| faults.push(Fault::new(property, message));
        let name = desired.text("Name").unwrap_or_default().trim_start_matches('/');
        let name = name.to_ascii_lowercase();
        if name.starts_with("aws") || name.starts_with("ssm") {
            fault("Name", "names that begin with aws or ssm are AWS's: choose another beginning");
        }
        let tier = desired.text_or("Tier", "Standard");
        let is_long = desired.text("Value").is_some_and(|value| value.len() > STANDARD_BYTES);
        if is_long && tier == Some("Standard") {
            fault("Value", "more than 4,096 bytes need 'Tier: Advanced'");
        }
        if desired.get("Policies").is_some() && tier == Some("Standard") {
            fault("Policies", "policies need 'Tier: Advanced'");
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let details = cx.ssm().get_parameter().name(id.as_str());
        let tags = cx
            .ssm()
            .list_tags_for_resource()
            .resource_type(ResourceTypeForTagging::Parameter)
            .resource_id(id.as_str());
        // Only the parameter itself says that it is gone: asked for the tags
        // of one that does not exist, Systems Manager calls the id invalid.
        let details = cx.observe("ssm:GetParameter", || details.clone().send()).await.found()?;
        let Some(found) = details.and_then(|answer| answer.parameter) else { return Ok(None) };
        let tags = cx.observe("ssm:ListTagsForResource", || tags.clone().send()).await?;
        let kind = found.r#type.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
        let value = found.value.unwrap_or_default();
        let properties = Self {
            data_type: found.data_type,
            name: Some(Fixed(id.to_string())),
            tags: Some(
                tags.tag_list.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect(),
            ),
            kind: Fixed(kind.clone()),
            value: value.clone(),
            ..Self::default()
        };
        let attributes = Attributes {
            arn: Early(arn(id.as_str(), &cx.place)),
            kind: Early(kind),
            value: Volatile(value),
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
            None => {
                let tags = self.tags.iter().flat_map(Tags::iter).map(sdk_tag);
                let request = self.request(cx).set_tags(Some(tags.collect::<Result<Vec<_>>>()?));
                cx.mutate("ssm:PutParameter", || request.clone().send()).await?;
                cx.created(&Id::from(self.name()), json!(self.attributes(cx))).await?;
            }
            Some(_) => self.update(changes, cx).await?,
        }
        Ok(self.attributes(cx))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.ssm().delete_parameter().name(recorded.id.as_str());
        cx.mutate("ssm:DeleteParameter", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Parameter {
    fn name(&self) -> &str {
        self.name.as_deref().map_or("", String::as_str)
    }

    fn attributes(&self, cx: &Cx) -> Attributes {
        Attributes {
            arn: Early(arn(self.name(), &cx.place)),
            kind: Early(self.kind.0.clone()),
            value: Volatile(self.value.clone()),
        }
    }

    /// Returns the call that sets all but the tags; what it leaves out keeps
    /// its value or gets AWS's default.
    fn request(&self, cx: &Cx) -> PutParameterFluentBuilder {
        let text = |property: &Option<WriteOnly<String>>| property.as_deref().cloned();
        cx.ssm()
            .put_parameter()
            .name(self.name())
            .r#type(self.kind.as_str().into())
            .value(&self.value)
            .set_allowed_pattern(text(&self.allowed_pattern))
            .set_data_type(self.data_type.clone())
            .set_description(text(&self.description))
            .set_policies(self.policies.as_deref().map(Json::text))
            .set_tier(self.tier.as_deref().map(|tier| tier.as_str().into()))
    }

    async fn update(&self, changes: &Changes, cx: &Cx) -> Result<()> {
        let settings = ["AllowedPattern", "DataType", "Description", "Policies", "Tier", "Value"];
        if changes.any(&settings) {
            let mut request = self.request(cx).overwrite(true);
            if changes.has("AllowedPattern") && self.allowed_pattern.is_none() {
                request = request.allowed_pattern("");
            }
            if changes.has("Description") && self.description.is_none() {
                request = request.description("");
            }
            if changes.has("Policies") && self.policies.is_none() {
                // Brackets and braces take the policies away; without them they stay.
                request = request.policies("[{}]");
            }
            cx.mutate("ssm:PutParameter", || request.clone().send()).await?;
        }
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = tags.set.iter().map(sdk_tag).collect::<Result<Vec<_>>>()?;
            let request = cx
                .ssm()
                .add_tags_to_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(self.name())
                .set_tags(Some(set));
            cx.mutate("ssm:AddTagsToResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request = cx
                .ssm()
                .remove_tags_from_resource()
                .resource_type(ResourceTypeForTagging::Parameter)
                .resource_id(self.name())
                .set_tag_keys(Some(tags.remove));
            cx.mutate("ssm:RemoveTagsFromResource", || request.clone().send()).await?;
        }
        Ok(())
    }
}

/// Returns the ARN of a parameter; the slash of a path is not doubled.
fn arn(name: &str, place: &Place) -> String {
    place.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')))
}

fn sdk_tag(tag: &Tag) -> Result<SdkTag> {
    Ok(SdkTag::builder().key(&tag.key).value(&tag.value).build()?)
}
