//! `AWS::WAFv2::WebACLAssociation`: a web ACL before a stage, a load balancer
//! or another resource of the region.

use crate::resource::{
    Changes, Class, Cx, Desired, Failure, Fixed, Found as _, Id, Live, Meta, Place, Ready,
    Recorded, Resource, Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An association. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-wafv2-webaclassociation.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct WebAclAssociation {
    /// What the web ACL is put before: for a stage
    /// `arn:aws:apigateway:us-east-1::/restapis/API/stages/STAGE`.
    #[schemars(length(min = 20, max = 2048))]
    pub resource_arn: Fixed<Ready<String>>,
    /// The web ACL.
    #[serde(rename = "WebACLArn")]
    #[schemars(length(min = 20, max = 2048))]
    pub web_acl_arn: String,
}

/// It has no attributes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(super) struct Attributes {}

impl Resource for WebAclAssociation {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::WAFv2::WebACLAssociation").takes(5);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        Some(Id::join([desired.text("ResourceArn")?, desired.text("WebACLArn")?]))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [resource, acl] = id.parts();
        let found = associated(resource, cx).await?.filter(|found| found == acl);
        Ok(found.map(|acl| Live {
            id: id.clone(),
            properties: Self { resource_arn: Fixed(Ready(resource.to_owned())), web_acl_arn: acl },
            attributes: Attributes {},
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.refuse_others(cx).await?,
            Some(_) if changes.is_empty() => return Ok(Attributes {}),
            // WAF puts the new web ACL in the place of the old one.
            Some(_) => {}
        }
        let request = cx
            .wafv2()
            .associate_web_acl()
            .resource_arn(self.resource_arn.as_str())
            .web_acl_arn(&self.web_acl_arn);
        cx.mutate("wafv2:AssociateWebACL", || request.clone().send()).await?;
        let id = Id::join([self.resource_arn.as_str(), &self.web_acl_arn]);
        cx.created(&id, json!({})).await?;
        Ok(Attributes {})
    }

    /// Somebody may have given the resource another web ACL, which stays.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [resource, acl] = recorded.id.parts();
        if associated(resource, cx).await?.as_deref() != Some(acl) {
            return Ok(());
        }
        let request = cx.wafv2().disassociate_web_acl().resource_arn(resource);
        cx.mutate("wafv2:DisassociateWebACL", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl WebAclAssociation {
    /// WAF puts a web ACL in the place of another's without a word.
    async fn refuse_others(&self, cx: &Cx) -> Result<()> {
        match associated(&self.resource_arn, cx).await? {
            None => Ok(()),
            Some(acl) if acl == self.web_acl_arn => {
                Err(Failure::local(Class::Exists, "the web ACL is associated already"))
            }
            Some(acl) => Err(Failure::refused(format!(
                "{} has the web ACL {acl}, which is not this deployment's: disassociate it first",
                self.resource_arn.as_str()
            ))),
        }
    }
}

/// Returns the ARN of a resource's web ACL.
async fn associated(resource: &str, cx: &Cx) -> Result<Option<String>> {
    let request = cx.wafv2().get_web_acl_for_resource().resource_arn(resource);
    let answer = cx.observe("wafv2:GetWebACLForResource", || request.clone().send()).await;
    Ok(answer.found()?.and_then(|answer| answer.web_acl).map(|acl| acl.arn))
}
