//! `AWS::EC2::InternetGateway`: what connects a VPC to the internet.

use super::ec2::{delete_when_free, find_owned, is_own, owned, retag, seen, tagged, tags_of};
use crate::resource::{
    Changes, Class, Cx, Early, Failure, Found as _, Id, Live, Meta, Recorded, Resource, Result,
    Tags,
};
use aws_sdk_ec2::types::{InternetGateway as Description, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An internet gateway. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-internetgateway.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct InternetGateway {
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub internet_gateway_id: Early<String>,
}

impl Resource for InternetGateway {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::InternetGateway").taggable();

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_internet_gateways().set_filters(owned(cx));
        find_owned(cx, || async {
            let answer =
                cx.observe("ec2:DescribeInternetGateways", || request.clone().send()).await?;
            let mut found = answer.internet_gateways.unwrap_or_default().into_iter();
            let own = found.find(|gateway| is_own(gateway.tags.as_deref(), cx));
            Ok(own.and_then(|gateway| gateway.internet_gateway_id))
        })
        .await
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        Ok(describe(id.as_str(), cx).await?.map(|gateway| Live {
            id: id.clone(),
            properties: Self { tags: tags_of(gateway.tags.as_deref()) },
            attributes: Attributes::of(id),
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        retag(live.id.as_str(), self.tags.as_ref(), changes, cx).await?;
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let request = cx.ec2().delete_internet_gateway().internet_gateway_id(recorded.id.as_str());
        delete_when_free("ec2:DeleteInternetGateway", cx, || request.clone().send()).await
    }
}

impl InternetGateway {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .ec2()
            .create_internet_gateway()
            .tag_specifications(tagged(ResourceType::InternetGateway, self.tags.as_ref()));
        let answer = cx.create("ec2:CreateInternetGateway", || request.clone().send()).await?;
        let made = answer.internet_gateway.and_then(|gateway| gateway.internet_gateway_id);
        let Some(id) = made.map(Id::from) else {
            return Err(Failure::local(Class::InDoubt, "EC2 did not say which gateway it created"));
        };
        let attributes = Attributes::of(&id);
        cx.created(&id, json!(attributes)).await?;
        seen(cx, || describe(id.as_str(), cx)).await?;
        Ok(attributes)
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { internet_gateway_id: Early(id.to_string()) }
    }
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_internet_gateways().internet_gateway_ids(id);
    let answer =
        cx.observe("ec2:DescribeInternetGateways", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.internet_gateways?.into_iter().next()))
}
