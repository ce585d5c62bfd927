//! `AWS::KMS::Alias`: another name for a key.

use super::kms::settled;
use crate::resource::{
    Changes, Cx, Desired, Fault, Fixed, Found as _, Id, Live, Meta, Place, Recorded, Resource,
    Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An alias. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-kms-alias.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Alias {
    /// Its name, which begins with `alias/`.
    #[schemars(length(min = 1, max = 256), extend("pattern" = "^(alias/)[a-zA-Z0-9:/_-]+$"))]
    pub alias_name: Fixed<String>,
    /// The id of the key that it stands for.
    #[schemars(length(min = 1, max = 256))]
    pub target_key_id: String,
}

/// KMS gives nothing back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

impl Resource for Alias {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::KMS::Alias");

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::from(desired.text("AliasName")?))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        match desired.text("AliasName") {
            Some(name) if name.starts_with("alias/aws/") => vec![Fault::new(
                "AliasName",
                "names under 'alias/aws/' belong to AWS; write 'alias/' and another name",
            )],
            Some(name) if !name.starts_with("alias/") => {
                vec![Fault::new("AliasName", format!("write 'alias/{name}'"))]
            }
            _ => Vec::new(),
        }
    }

    /// Describing a key by its alias takes one call; listing aliases takes one
    /// for every hundred of them.
    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.kms().describe_key().key_id(id.as_str());
        let answer = cx.observe("kms:DescribeKey", || request.clone().send()).await.found()?;
        Ok(answer.and_then(|answer| answer.key_metadata).map(|key| Live {
            id: id.clone(),
            properties: Self { alias_name: Fixed(id.to_string()), target_key_id: key.key_id },
            attributes: Attributes {},
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        if current.is_none() {
            self.create(cx).await?;
        } else if changes.has("TargetKeyId") {
            self.update(cx).await?;
        }
        Ok(Attributes {})
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.kms().delete_alias().alias_name(recorded.id.as_str());
        cx.mutate("kms:DeleteAlias", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Alias {
    async fn create(&self, cx: &Cx) -> Result<()> {
        let request = cx
            .kms()
            .create_alias()
            .alias_name(self.alias_name.as_str())
            .target_key_id(&self.target_key_id);
        settled(cx, || cx.mutate("kms:CreateAlias", || request.clone().send())).await?;
        cx.created(&Id::from(self.alias_name.as_str()), json!({})).await
    }

    async fn update(&self, cx: &Cx) -> Result<()> {
        let request = cx
            .kms()
            .update_alias()
            .alias_name(self.alias_name.as_str())
            .target_key_id(&self.target_key_id);
        settled(cx, || cx.mutate("kms:UpdateAlias", || request.clone().send())).await?;
        Ok(())
    }
}
