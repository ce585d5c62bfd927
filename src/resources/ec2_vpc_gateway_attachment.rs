//! `AWS::EC2::VPCGatewayAttachment`: the internet gateway or virtual private
//! gateway of a VPC.

use super::ec2::{filter, known};
use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Place, Poll, Recorded,
    Resource, Result,
};
use aws_sdk_ec2::types::AttachmentStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// An attachment. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-vpcgatewayattachment.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct VpcGatewayAttachment {
    /// The VPC.
    pub vpc_id: Fixed<String>,
    /// The internet gateway.
    pub internet_gateway_id: Option<String>,
    /// The virtual private gateway.
    pub vpn_gateway_id: Option<String>,
}

/// What is known of an attachment.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// What is attached: `IGW` or `VGW`.
    pub attachment_type: Early<String>,
}

/// The kinds of gateways: a VPC has no more than one of each.
#[derive(Clone, Copy, PartialEq)]
enum Gateway {
    Internet,
    Vpn,
}

/// How long a virtual private gateway may take to come or go.
const DEADLINE: Duration = Duration::from_secs(900);

impl Resource for VpcGatewayAttachment {
    type Attributes = Attributes;

    /// Routes by an internet gateway are refused until it is attached, and
    /// stand in the way of its detachment.
    const META: Meta =
        Meta::regional("AWS::EC2::VPCGatewayAttachment").completes("InternetGatewayId").takes(2);

    fn identity(desired: Desired<'_>, _place: &Place) -> Option<Id> {
        let gateway = Gateway::desired(desired)?;
        Some(Id::join([gateway.name(), desired.text("VpcId")?]))
    }

    fn predict(desired: Desired<'_>, _place: &Place) -> Value {
        let gateway = Gateway::desired(desired);
        gateway.map_or(Value::Null, |gateway| json!({"AttachmentType": gateway.name()}))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        if is_set("InternetGatewayId") == is_set("VpnGatewayId") {
            let message = "an attachment is of one gateway: set InternetGatewayId or VpnGatewayId";
            return vec![Fault::new("", message)];
        }
        Vec::new()
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [kind, vpc] = id.parts();
        let gateway = Gateway::of(kind);
        let Some((attached, _)) = attached(gateway, vpc, cx).await? else { return Ok(None) };
        let (internet_gateway_id, vpn_gateway_id) = match gateway {
            Gateway::Internet => (Some(attached), None),
            Gateway::Vpn => (None, Some(attached)),
        };
        Ok(Some(Live {
            id: id.clone(),
            properties: Self { vpc_id: Fixed(vpc.to_owned()), internet_gateway_id, vpn_gateway_id },
            attributes: gateway.attributes(),
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let attributes = self.gateway().attributes();
        match current {
            Some(_) if !changes.any(&["InternetGatewayId", "VpnGatewayId"]) => {
                return Ok(attributes);
            }
            // The VPC has room for one.
            Some(live) => detach(&live.id, cx).await?,
            None => {}
        }
        self.attach(cx).await?;
        let id = Id::join([self.gateway().name(), &self.vpc_id.0]);
        if current.is_none_or(|live| live.id != id) {
            cx.created(&id, json!(attributes)).await?;
        }
        self.settled(cx).await?;
        Ok(attributes)
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        detach(&recorded.id, cx).await
    }
}

impl VpcGatewayAttachment {
    fn gateway(&self) -> Gateway {
        if self.vpn_gateway_id.is_some() { Gateway::Vpn } else { Gateway::Internet }
    }

    async fn attach(&self, cx: &Cx) -> Result<()> {
        if self.gateway() == Gateway::Internet {
            let request = cx
                .ec2()
                .attach_internet_gateway()
                .vpc_id(&self.vpc_id.0)
                .set_internet_gateway_id(self.internet_gateway_id.clone());
            known(cx, || cx.mutate("ec2:AttachInternetGateway", || request.clone().send())).await?;
        } else {
            let request = cx
                .ec2()
                .attach_vpn_gateway()
                .vpc_id(&self.vpc_id.0)
                .set_vpn_gateway_id(self.vpn_gateway_id.clone());
            known(cx, || cx.mutate("ec2:AttachVpnGateway", || request.clone().send())).await?;
        }
        Ok(())
    }

    async fn settled(&self, cx: &Cx) -> Result<()> {
        cx.wait(DEADLINE, || async {
            Ok(match attached(self.gateway(), &self.vpc_id, cx).await? {
                Some((_, AttachmentStatus::Attaching)) => {
                    Poll::Pending("the gateway is being attached".to_owned())
                }
                Some(_) => Poll::Ready(()),
                None => Poll::Pending("EC2 does not show the attachment yet".to_owned()),
            })
        })
        .await
    }
}

impl Gateway {
    fn desired(desired: Desired<'_>) -> Option<Self> {
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        match (is_set("InternetGatewayId"), is_set("VpnGatewayId")) {
            (true, _) => Some(Self::Internet),
            (_, true) => Some(Self::Vpn),
            _ => None,
        }
    }

    fn of(name: &str) -> Self {
        if name == Self::Vpn.name() { Self::Vpn } else { Self::Internet }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Internet => "IGW",
            Self::Vpn => "VGW",
        }
    }

    fn attributes(self) -> Attributes {
        Attributes { attachment_type: Early(self.name().to_owned()) }
    }
}

/// Returns the VPC's gateway of a kind, and how far its attachment is.
async fn attached(
    gateway: Gateway,
    vpc: &str,
    cx: &Cx,
) -> Result<Option<(String, AttachmentStatus)>> {
    let of_vpc = filter("attachment.vpc-id", vpc);
    let found: Vec<_> = if gateway == Gateway::Internet {
        let request = cx.ec2().describe_internet_gateways().filters(of_vpc);
        let answer = cx.observe("ec2:DescribeInternetGateways", || request.clone().send()).await?;
        let gateways = answer.internet_gateways.unwrap_or_default().into_iter();
        let each = |attachment: aws_sdk_ec2::types::InternetGatewayAttachment| {
            (attachment.vpc_id, attachment.state)
        };
        gateways
            .map(|found| {
                let attachments = found.attachments.unwrap_or_default();
                (found.internet_gateway_id, attachments.into_iter().map(each).collect::<Vec<_>>())
            })
            .collect()
    } else {
        let request = cx.ec2().describe_vpn_gateways().filters(of_vpc);
        let answer = cx.observe("ec2:DescribeVpnGateways", || request.clone().send()).await?;
        let gateways = answer.vpn_gateways.unwrap_or_default().into_iter();
        let each =
            |attachment: aws_sdk_ec2::types::VpcAttachment| (attachment.vpc_id, attachment.state);
        gateways
            .map(|found| {
                let attachments = found.vpc_attachments.unwrap_or_default();
                (found.vpn_gateway_id, attachments.into_iter().map(each).collect::<Vec<_>>())
            })
            .collect()
    };
    let mut live = found.into_iter().flat_map(|(id, attachments)| {
        attachments.into_iter().map(move |(vpc, state)| (id.clone(), vpc, state))
    });
    Ok(live.find_map(|(id, of, state)| {
        let state = state.unwrap_or(AttachmentStatus::Attached);
        let is_live = of.as_deref() == Some(vpc) && state != AttachmentStatus::Detached;
        Some((id?, state)).filter(|_| is_live)
    }))
}

/// Detaches what the VPC has of a kind, and returns once it is off.
async fn detach(id: &Id, cx: &Cx) -> Result<()> {
    let [kind, vpc] = id.parts();
    let gateway = Gateway::of(kind);
    let Some((attachment, _)) = attached(gateway, vpc, cx).await? else { return Ok(()) };
    if gateway == Gateway::Internet {
        let request =
            cx.ec2().detach_internet_gateway().vpc_id(vpc).internet_gateway_id(attachment);
        cx.mutate("ec2:DetachInternetGateway", || request.clone().send()).await.found()?;
    } else {
        let request = cx.ec2().detach_vpn_gateway().vpc_id(vpc).vpn_gateway_id(attachment);
        cx.mutate("ec2:DetachVpnGateway", || request.clone().send()).await.found()?;
    }
    cx.wait(DEADLINE, || async {
        Ok(match attached(gateway, vpc, cx).await? {
            None => Poll::Ready(()),
            Some(_) => Poll::Pending("the gateway is being detached".to_owned()),
        })
    })
    .await
}
