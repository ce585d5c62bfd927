//! `AWS::EC2::NatGateway`: a gateway that hides addresses behind its own.

use super::ec2::{is_own, known, made, owned, retag, tagged, tags_of, token};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Poll,
    Recorded, Resource, Result, Set, Tags, WriteOnly,
};
use aws_sdk_ec2::types::{NatGateway as Description, NatGatewayState, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;

/// A NAT gateway. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-natgateway.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct NatGateway {
    /// The subnet that it is in.
    pub subnet_id: Option<Fixed<String>>,
    /// The VPC of a regional gateway.
    pub vpc_id: Option<Fixed<String>>,
    /// Whether it serves one availability zone or the VPC.
    #[schemars(extend("enum" = ["regional", "zonal"]))]
    pub availability_mode: Option<Fixed<String>>,
    /// Whether it leads to the internet or to other private networks.
    #[schemars(extend("enum" = ["private", "public"]))]
    pub connectivity_type: Option<Fixed<String>>,
    /// The id of its elastic IP address.
    pub allocation_id: Option<Fixed<String>>,
    /// Its private address.
    pub private_ip_address: Option<Fixed<String>>,
    /// The ids of further elastic IP addresses.
    pub secondary_allocation_ids: Option<Set<String>>,
    /// Further private addresses.
    pub secondary_private_ip_addresses: Option<Set<String>>,
    /// Seconds for which connections over an address that goes may last.
    pub max_drain_duration_seconds: Option<WriteOnly<i32>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub nat_gateway_id: Early<String>,
    /// Its network interface.
    pub eni_id: Option<String>,
    /// The route table of a regional gateway.
    pub route_table_id: Option<String>,
    /// Whether a regional gateway spreads to further zones by itself.
    pub auto_provision_zones: Option<String>,
    /// Whether a regional gateway gets further addresses by itself.
    pub auto_scaling_ips: Option<String>,
}

/// How long a gateway may take to come or go. It is mostly one or two minutes.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

impl Resource for NatGateway {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::NatGateway")
        .taggable()
        .takes(100)
        .unsupported(&["AvailabilityZoneAddresses", "SecondaryPrivateIpAddressCount"]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        let is_regional = desired.text("AvailabilityMode") == Some("regional");
        let is_private = desired.text("ConnectivityType") == Some("private");
        let rules: [(bool, &str, &str); 4] = [
            (!is_regional && !is_set("SubnetId"), "SubnetId", "a gateway is in a subnet: set it"),
            (is_regional && !is_set("VpcId"), "VpcId", "a regional gateway is in a VPC: set it"),
            (
                !is_regional && !is_private && !is_set("AllocationId"),
                "AllocationId",
                "a public gateway has an elastic IP address: set its id",
            ),
            (
                is_private && is_set("AllocationId"),
                "AllocationId",
                "a private gateway has no elastic IP address: leave it out",
            ),
        ];
        let broken = rules.iter().filter(|(is_broken, ..)| *is_broken);
        broken.map(|(_, property, message)| Fault::new(*property, *message)).collect()
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_nat_gateways().set_filter(owned(cx));
        let answer = cx.observe("ec2:DescribeNatGateways", || request.clone().send()).await?;
        let mut found = answer.nat_gateways.unwrap_or_default().into_iter();
        let own = found.find(|gateway| is_there(gateway) && is_own(gateway.tags.as_deref(), cx));
        Ok(own.and_then(|gateway| gateway.nat_gateway_id).map(Id::from))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let found = describe(id.as_str(), cx).await?.filter(is_there);
        Ok(found.map(|gateway| {
            let attributes = attributes(&gateway);
            Live { id: id.clone(), properties: properties(gateway), attributes }
        }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        let id = live.id.as_str();
        retag(id, self.tags.as_ref(), changes, cx).await?;
        let mut gateway = available(id, cx).await?;
        if changes.any(&["SecondaryAllocationIds", "SecondaryPrivateIpAddresses"]) {
            self.change_addresses(id, &gateway, cx).await?;
            gateway = available(id, cx).await?;
        }
        Ok(attributes(&gateway))
    }

    /// Returns once the gateway is deleted: until then it holds its subnet, its
    /// address and its VPC's internet gateway.
    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = recorded.id.as_str();
        let request = cx.ec2().delete_nat_gateway().nat_gateway_id(id);
        cx.mutate("ec2:DeleteNatGateway", || request.clone().send()).await.found()?;
        cx.wait(DEADLINE, || async {
            Ok(match describe(id, cx).await?.and_then(|gateway| gateway.state) {
                None | Some(NatGatewayState::Deleted) => Poll::Ready(()),
                Some(state) => Poll::Pending(format!("the NAT gateway is {state}")),
            })
        })
        .await
    }
}

impl NatGateway {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let id = made(|dead| async move {
            let made = self.request(&dead, cx).await?;
            Ok((made.nat_gateway_id.clone().unwrap_or_default(), is_there(&made)))
        })
        .await?;
        cx.created(&Id::from(id.as_str()), json!({"NatGatewayId": id})).await?;
        Ok(attributes(&available(&id, cx).await?))
    }

    /// Asks for the gateway. `dead` is the one that an earlier token led to.
    async fn request(&self, dead: &str, cx: &Cx) -> Result<Description> {
        let text = |property: &Option<Fixed<String>>| property.as_deref().cloned();
        let list = |property: &Option<Set<String>>| property.as_ref().map(|items| items.0.clone());
        let request = cx
            .ec2()
            .create_nat_gateway()
            .client_token(token(self, dead, cx))
            .set_subnet_id(text(&self.subnet_id))
            .set_vpc_id(text(&self.vpc_id))
            .set_availability_mode(self.availability_mode.as_ref().map(|m| m.0.as_str().into()))
            .set_connectivity_type(self.connectivity_type.as_ref().map(|c| c.0.as_str().into()))
            .set_allocation_id(text(&self.allocation_id))
            .set_private_ip_address(text(&self.private_ip_address))
            .set_secondary_allocation_ids(list(&self.secondary_allocation_ids))
            .set_secondary_private_ip_addresses(list(&self.secondary_private_ip_addresses))
            .tag_specifications(tagged(ResourceType::Natgateway, self.tags.as_ref()));
        let answer =
            known(cx, || cx.create("ec2:CreateNatGateway", || request.clone().send())).await?;
        answer.nat_gateway.ok_or_else(|| {
            Failure::local(Class::InDoubt, "EC2 did not say which NAT gateway it created")
        })
    }

    /// Adds further addresses before it takes others away.
    async fn change_addresses(&self, id: &str, live: &Description, cx: &Cx) -> Result<()> {
        let now = properties(live.clone());
        let (wanted, found) =
            (listed(&self.secondary_allocation_ids), listed(&now.secondary_allocation_ids));
        let private = (
            listed(&self.secondary_private_ip_addresses),
            listed(&now.secondary_private_ip_addresses),
        );
        let added = lacking(wanted, found);
        if self.is_private() {
            self.change_private(id, private.0, private.1, cx).await?;
        } else if !added.is_empty() {
            let addresses = lacking(private.0, private.1);
            let request = cx
                .ec2()
                .associate_nat_gateway_address()
                .nat_gateway_id(id)
                .set_allocation_ids(Some(added))
                .set_private_ip_addresses(Some(addresses).filter(|list| !list.is_empty()));
            cx.mutate("ec2:AssociateNatGatewayAddress", || request.clone().send()).await?;
        }
        let gone = lacking(found, wanted);
        let associations = live.nat_gateway_addresses().iter().filter(|address| {
            address.allocation_id().is_some_and(|id| gone.iter().any(|gone| gone == id))
        });
        let associations: Vec<_> = associations.filter_map(|a| a.association_id.clone()).collect();
        if !associations.is_empty() {
            let request = cx
                .ec2()
                .disassociate_nat_gateway_address()
                .nat_gateway_id(id)
                .set_association_ids(Some(associations))
                .set_max_drain_duration_seconds(self.drain());
            cx.mutate("ec2:DisassociateNatGatewayAddress", || request.clone().send()).await?;
        }
        Ok(())
    }

    async fn change_private(
        &self,
        id: &str,
        wanted: &[String],
        found: &[String],
        cx: &Cx,
    ) -> Result<()> {
        let (added, gone) = (lacking(wanted, found), lacking(found, wanted));
        if !added.is_empty() {
            let request = cx
                .ec2()
                .assign_private_nat_gateway_address()
                .nat_gateway_id(id)
                .set_private_ip_addresses(Some(added));
            cx.mutate("ec2:AssignPrivateNatGatewayAddress", || request.clone().send()).await?;
        }
        if !gone.is_empty() {
            let request = cx
                .ec2()
                .unassign_private_nat_gateway_address()
                .nat_gateway_id(id)
                .set_private_ip_addresses(Some(gone))
                .set_max_drain_duration_seconds(self.drain());
            cx.mutate("ec2:UnassignPrivateNatGatewayAddress", || request.clone().send()).await?;
        }
        Ok(())
    }

    fn is_private(&self) -> bool {
        self.connectivity_type.as_deref().is_some_and(|kind| kind == "private")
    }

    fn drain(&self) -> Option<i32> {
        self.max_drain_duration_seconds.as_ref().map(|seconds| seconds.0)
    }
}

fn listed(list: &Option<Set<String>>) -> &[String] {
    list.as_ref().map_or(&[], |list| list.as_slice())
}

/// Returns what of `wanted` is not in `found`.
fn lacking(wanted: &[String], found: &[String]) -> Vec<String> {
    wanted.iter().filter(|item| !found.contains(item)).cloned().collect()
}

/// Whether a gateway is there to stay: EC2 shows deleted and failed ones for
/// an hour.
fn is_there(gateway: &Description) -> bool {
    use NatGatewayState::{Deleted, Deleting, Failed};
    !matches!(gateway.state, Some(Deleted | Deleting | Failed))
}

/// Waits until the gateway works and none of its addresses changes.
async fn available(id: &str, cx: &Cx) -> Result<Description> {
    cx.wait(DEADLINE, || async {
        let Some(gateway) = describe(id, cx).await? else {
            return Ok(Poll::Pending("EC2 does not show the NAT gateway yet".to_owned()));
        };
        if !is_there(&gateway) {
            let why = gateway.failure_message.as_deref().unwrap_or("it was deleted meanwhile");
            return Err(Failure::refused(format!("the NAT gateway does not come up: {why}")));
        }
        let mut addresses = gateway.nat_gateway_addresses().iter();
        let is_moving = addresses.any(|address| {
            let status = address.status.as_ref().map_or("succeeded", |status| status.as_str());
            !matches!(status, "succeeded" | "failed")
        });
        Ok(match &gateway.state {
            Some(NatGatewayState::Available) if !is_moving => Poll::Ready(gateway),
            Some(NatGatewayState::Available) => {
                Poll::Pending("the NAT gateway's addresses are changing".to_owned())
            }
            state => Poll::Pending(format!(
                "the NAT gateway is {}",
                state.as_ref().map_or("pending", NatGatewayState::as_str)
            )),
        })
    })
    .await
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_nat_gateways().nat_gateway_ids(id);
    let answer = cx.observe("ec2:DescribeNatGateways", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.nat_gateways?.into_iter().next()))
}

fn attributes(gateway: &Description) -> Attributes {
    let mut interfaces = gateway.nat_gateway_addresses().iter();
    Attributes {
        nat_gateway_id: Early(gateway.nat_gateway_id.clone().unwrap_or_default()),
        eni_id: interfaces.find_map(|address| address.network_interface_id.clone()),
        route_table_id: gateway.route_table_id.clone(),
        auto_provision_zones: gateway.auto_provision_zones.as_ref().map(ToString::to_string),
        auto_scaling_ips: gateway.auto_scaling_ips.as_ref().map(ToString::to_string),
    }
}

fn properties(gateway: Description) -> NatGateway {
    let addresses = gateway.nat_gateway_addresses.unwrap_or_default();
    // A gateway made before addresses had a rank has one, its first.
    let (primary, others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_primary != Some(false));
    let first = primary.into_iter().next();
    NatGateway {
        subnet_id: gateway.subnet_id.map(Fixed),
        vpc_id: gateway.vpc_id.map(Fixed),
        availability_mode: gateway.availability_mode.map(|mode| Fixed(mode.to_string())),
        connectivity_type: gateway.connectivity_type.map(|kind| Fixed(kind.to_string())),
        allocation_id: first.as_ref().and_then(|a| a.allocation_id.clone()).map(Fixed),
        private_ip_address: first.and_then(|a| a.private_ip).map(Fixed),
        secondary_allocation_ids: Some(
            others.iter().filter_map(|a| a.allocation_id.clone()).collect(),
        ),
        secondary_private_ip_addresses: Some(
            others.into_iter().filter_map(|a| a.private_ip).collect(),
        ),
        max_drain_duration_seconds: None,
        tags: tags_of(gateway.tags.as_deref()),
    }
}
