//! `AWS::EC2::RouteTable`: a route table of a VPC.

use super::ec2::{
    delete_when_free, find_owned, is_own, known, owned, retag, seen, tagged, tags_of,
};
use crate::resource::{
    Changes, Class, Cx, Early, Failure, Fixed, Found as _, Id, Live, Meta, Recorded, Resource,
    Result, Tags,
};
use aws_sdk_ec2::types::{ResourceType, RouteTable as Description};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// A route table. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-routetable.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct RouteTable {
    /// The VPC.
    pub vpc_id: Fixed<String>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub route_table_id: Early<String>,
}

impl Resource for RouteTable {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::RouteTable").taggable();

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_route_tables().set_filters(owned(cx));
        find_owned(cx, || async {
            let answer = cx.observe("ec2:DescribeRouteTables", || request.clone().send()).await?;
            let mut found = answer.route_tables.unwrap_or_default().into_iter();
            let own = found.find(|table| is_own(table.tags.as_deref(), cx));
            Ok(own.and_then(|table| table.route_table_id))
        })
        .await
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        Ok(describe(id.as_str(), cx).await?.map(|table| Live {
            id: id.clone(),
            properties: Self {
                tags: tags_of(table.tags.as_deref()),
                vpc_id: Fixed(table.vpc_id.unwrap_or_default()),
            },
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
        let request = cx.ec2().delete_route_table().route_table_id(recorded.id.as_str());
        delete_when_free("ec2:DeleteRouteTable", cx, || request.clone().send()).await
    }
}

impl RouteTable {
    /// Makes the table without an idempotency token: one that came back after
    /// the table's deletion would lead to a table that is no more.
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .ec2()
            .create_route_table()
            .vpc_id(&self.vpc_id.0)
            .tag_specifications(tagged(ResourceType::RouteTable, self.tags.as_ref()));
        let answer =
            known(cx, || cx.create("ec2:CreateRouteTable", || request.clone().send())).await?;
        let made = answer.route_table.and_then(|table| table.route_table_id);
        let Some(id) = made.map(Id::from) else {
            return Err(Failure::local(Class::InDoubt, "EC2 did not say which table it created"));
        };
        let attributes = Attributes::of(&id);
        cx.created(&id, json!(attributes)).await?;
        seen(cx, || describe(id.as_str(), cx)).await?;
        Ok(attributes)
    }
}

impl Attributes {
    fn of(id: &Id) -> Self {
        Self { route_table_id: Early(id.to_string()) }
    }
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_route_tables().route_table_ids(id);
    let answer = cx.observe("ec2:DescribeRouteTables", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.route_tables?.into_iter().next()))
}
