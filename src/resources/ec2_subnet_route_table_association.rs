//! `AWS::EC2::SubnetRouteTableAssociation`: the route table of a subnet.

use super::ec2::{filter, known};
use crate::resource::{
    Changes, Cx, Desired, Fixed, Found as _, Id, Live, Meta, Place, Poll, Recorded, Resource,
    Result, Volatile,
};
use aws_sdk_ec2::types::{RouteTableAssociation, RouteTableAssociationStateCode};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// An association. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-subnetroutetableassociation.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SubnetRouteTableAssociation {
    /// The subnet. It follows one route table at a time.
    pub subnet_id: Fixed<String>,
    /// The route table. A subnet changes over in one step.
    pub route_table_id: String,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id; EC2 gives a new one with each route table.
    pub id: Volatile<String>,
}

/// How long an association may take. It is a matter of seconds.
const DEADLINE: Duration = Duration::from_secs(300);

impl Resource for SubnetRouteTableAssociation {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::SubnetRouteTableAssociation").reference("Id");

    /// The subnet names it: a subnet has no more than one, whose own id changes
    /// with its route table.
    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        desired.text("SubnetId").map(Id::from)
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        Ok(describe(id.as_str(), cx).await?.map(|association| Live {
            id: id.clone(),
            attributes: attributes(&association),
            properties: Self {
                subnet_id: Fixed(id.to_string()),
                route_table_id: association.route_table_id.unwrap_or_default(),
            },
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => {
                let request = cx
                    .ec2()
                    .associate_route_table()
                    .subnet_id(&self.subnet_id.0)
                    .route_table_id(&self.route_table_id);
                let answer =
                    known(cx, || cx.mutate("ec2:AssociateRouteTable", || request.clone().send()));
                let id = answer.await?.association_id.unwrap_or_default();
                cx.created(&Id::from(self.subnet_id.as_str()), json!({"Id": id})).await?;
            }
            Some(live) if changes.has("RouteTableId") => {
                let request = cx
                    .ec2()
                    .replace_route_table_association()
                    .association_id(&live.attributes.id.0)
                    .route_table_id(&self.route_table_id);
                let operation = "ec2:ReplaceRouteTableAssociation";
                known(cx, || cx.mutate(operation, || request.clone().send())).await?;
            }
            Some(live) => return Ok(live.attributes.clone()),
        }
        self.associated(cx).await
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let Some(association) = describe(recorded.id.as_str(), cx).await? else { return Ok(()) };
        let request = cx
            .ec2()
            .disassociate_route_table()
            .association_id(association.route_table_association_id.unwrap_or_default());
        cx.mutate("ec2:DisassociateRouteTable", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl SubnetRouteTableAssociation {
    async fn associated(&self, cx: &Cx) -> Result<Attributes> {
        cx.wait(DEADLINE, || async {
            let found = describe(&self.subnet_id, cx).await?;
            let own = found.filter(|a| a.route_table_id.as_ref() == Some(&self.route_table_id));
            Ok(match own {
                Some(association) if state(&association).is_none_or(is_settled) => {
                    Poll::Ready(attributes(&association))
                }
                _ => Poll::Pending("the subnet does not follow the route table yet".to_owned()),
            })
        })
        .await
    }
}

fn attributes(association: &RouteTableAssociation) -> Attributes {
    Attributes { id: Volatile(association.route_table_association_id.clone().unwrap_or_default()) }
}

fn state(association: &RouteTableAssociation) -> Option<&RouteTableAssociationStateCode> {
    association.association_state()?.state()
}

fn is_settled(state: &RouteTableAssociationStateCode) -> bool {
    *state == RouteTableAssociationStateCode::Associated
}

/// Returns the subnet's association, unless it is on its way out.
async fn describe(subnet: &str, cx: &Cx) -> Result<Option<RouteTableAssociation>> {
    use RouteTableAssociationStateCode::{Disassociated, Disassociating, Failed};
    let request = cx.ec2().describe_route_tables().filters(filter("association.subnet-id", subnet));
    let answer = cx.observe("ec2:DescribeRouteTables", || request.clone().send()).await?;
    let tables = answer.route_tables.unwrap_or_default().into_iter();
    let mut associations = tables.flat_map(|table| table.associations.unwrap_or_default());
    Ok(associations.find(|association| {
        let is_gone = matches!(state(association), Some(Disassociated | Disassociating | Failed));
        association.subnet_id() == Some(subnet) && !is_gone
    }))
}
