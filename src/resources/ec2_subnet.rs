//! `AWS::EC2::Subnet`: a subnet of a VPC.

use super::ec2::{Blocks, filter, find_owned, is_own, known, owned, retag, tagged, tags_of};
use super::ec2_lingering::{Holder, delete};
use super::ec2_subnet_switches::{at, is_off, turn};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Poll, Recorded, Resource, Result, Tags, Volatile, WriteOnly,
};
use aws_sdk_ec2::types::{
    ResourceType, Subnet as Description, SubnetCidrBlockStateCode, SubnetIpv6CidrBlockAssociation,
    SubnetState,
};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// A subnet. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-subnet.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Subnet {
    /// The VPC.
    pub vpc_id: Fixed<String>,
    /// Its availability zone, as this account names it: `us-east-1a`.
    pub availability_zone: Option<Fixed<String>>,
    /// Its availability zone, as all accounts name it: `use1-az1`.
    pub availability_zone_id: Option<Fixed<String>>,
    /// Its IPv4 addresses: a block of the VPC's.
    pub cidr_block: Option<Fixed<String>>,
    /// The IPAM pool that its IPv4 addresses come from.
    pub ipv4_ipam_pool_id: Option<Fixed<WriteOnly<String>>>,
    /// The length of the block's netmask from that pool.
    pub ipv4_netmask_length: Option<Fixed<WriteOnly<i32>>>,
    /// Its IPv6 addresses: a block of the VPC's.
    pub ipv6_cidr_block: Option<String>,
    /// The IPAM pool that its IPv6 addresses come from.
    pub ipv6_ipam_pool_id: Option<Fixed<WriteOnly<String>>>,
    /// The length of the block's netmask from that pool.
    pub ipv6_netmask_length: Option<Fixed<WriteOnly<i32>>>,
    /// Whether it has IPv6 addresses only.
    pub ipv6_native: Option<Fixed<bool>>,
    /// The Outpost that it is on.
    pub outpost_arn: Option<Fixed<String>>,
    /// Whether new interfaces get a public IPv4 address.
    pub map_public_ip_on_launch: Option<bool>,
    /// Whether new interfaces get an IPv6 address.
    pub assign_ipv6_address_on_creation: Option<bool>,
    /// Whether the name server gives IPv6 addresses for IPv4 ones.
    #[serde(rename = "EnableDns64")]
    pub enable_dns64: Option<bool>,
    /// The position of local network interfaces, on an Outpost.
    pub enable_lni_at_device_index: Option<WriteOnly<i32>>,
    /// What instances are called.
    pub private_dns_name_options_on_launch: Option<NameOptions>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What instances are called, and which records their names get.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct NameOptions {
    /// Whether names are made of the address (`ip-name`) or the id
    /// (`resource-name`).
    pub hostname_type: Option<String>,
    /// Whether names of ids lead to IPv4 addresses.
    #[serde(rename = "EnableResourceNameDnsARecord")]
    pub enable_a: Option<bool>,
    /// Whether names of ids lead to IPv6 addresses.
    #[serde(rename = "EnableResourceNameDnsAAAARecord")]
    pub enable_aaaa: Option<bool>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub subnet_id: Early<String>,
    /// Its availability zone.
    pub availability_zone: Early<String>,
    /// Its availability zone, as all accounts name it.
    pub availability_zone_id: Option<String>,
    /// Its block of IPv4 addresses.
    pub cidr_block: Option<String>,
    /// The VPC.
    pub vpc_id: Option<String>,
    /// Its blocks of IPv6 addresses.
    pub ipv6_cidr_blocks: Volatile<Vec<String>>,
    /// What ties it to its network ACL.
    pub network_acl_association_id: Option<Volatile<String>>,
}

/// How long a subnet or a block may take. It is a matter of seconds.
const DEADLINE: Duration = Duration::from_secs(120);

impl Resource for Subnet {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::Subnet")
        .taggable()
        .takes(2)
        .unsupported_attributes(&["BlockPublicAccessStates"]);

    fn predict(desired: Desired<'_>, _place: &Place) -> Value {
        desired.text("AvailabilityZone").map_or(Value::Null, |z| json!({"AvailabilityZone": z}))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let blocks = [("CidrBlock", Blocks::V4(16..=28)), ("Ipv6CidrBlock", Blocks::V6(44..=64))];
        let mut faults: Vec<_> =
            blocks.iter().filter_map(|(property, of)| of.fault(desired, property)).collect();
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        let is_on = |name: &str| desired.get(name) == Some(&Value::Bool(true));
        let has_v4 = is_set("CidrBlock") || is_set("Ipv4IpamPoolId");
        let has_v6 = is_set("Ipv6CidrBlock") || is_set("Ipv6IpamPoolId");
        let rules: [(bool, &str, &str); 4] = [
            (
                is_set("AvailabilityZone") && is_set("AvailabilityZoneId"),
                "AvailabilityZoneId",
                "a subnet is in one zone: leave AvailabilityZone or AvailabilityZoneId out",
            ),
            (!has_v4 && !has_v6, "CidrBlock", "a subnet needs addresses: set CidrBlock"),
            (
                has_v4 && is_on("Ipv6Native"),
                "Ipv6Native",
                "a subnet with IPv6 addresses only has no CidrBlock: leave that out",
            ),
            (
                !has_v6 && is_on("AssignIpv6AddressOnCreation"),
                "AssignIpv6AddressOnCreation",
                "there are IPv6 addresses only in a block of them: set Ipv6CidrBlock",
            ),
        ];
        let broken = rules.iter().filter(|(is_broken, ..)| *is_broken);
        faults.extend(broken.map(|(_, property, message)| Fault::new(*property, *message)));
        faults
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_subnets().set_filters(owned(cx));
        find_owned(cx, || async {
            let answer = cx.observe("ec2:DescribeSubnets", || request.clone().send()).await?;
            let mut found = answer.subnets.unwrap_or_default().into_iter();
            let own = found.find(|subnet| is_own(subnet.tags.as_deref(), cx));
            Ok(own.and_then(|subnet| subnet.subnet_id))
        })
        .await
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let (subnet, acl) = try_join!(describe(id.as_str(), cx), acl_association(id.as_str(), cx))?;
        let Some(subnet) = subnet else { return Ok(None) };
        let attributes = attributes(&subnet, acl);
        Ok(Some(Live { id: id.clone(), properties: properties(subnet), attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        self.update(live, changes, cx).await?;
        let id = live.id.as_str();
        let (subnet, acl) = try_join!(available(id, cx), acl_association(id, cx))?;
        Ok(attributes(&subnet, acl))
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = recorded.id.as_str();
        let request = cx.ec2().delete_subnet().subnet_id(id);
        delete(Holder::Subnet(id), "ec2:DeleteSubnet", cx, || request.clone().send()).await
    }
}

impl Subnet {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let text = |property: &Option<Fixed<String>>| property.as_deref().cloned();
        let pool = |pool: &Option<Fixed<WriteOnly<String>>>| pool.as_deref().map(|p| p.0.clone());
        let length = |length: &Option<Fixed<WriteOnly<i32>>>| length.as_deref().map(|l| l.0);
        let request = cx
            .ec2()
            .create_subnet()
            .vpc_id(&self.vpc_id.0)
            .set_availability_zone(text(&self.availability_zone))
            .set_availability_zone_id(text(&self.availability_zone_id))
            .set_cidr_block(text(&self.cidr_block))
            .set_ipv4_ipam_pool_id(pool(&self.ipv4_ipam_pool_id))
            .set_ipv4_netmask_length(length(&self.ipv4_netmask_length))
            .set_ipv6_cidr_block(self.ipv6_cidr_block.clone())
            .set_ipv6_ipam_pool_id(pool(&self.ipv6_ipam_pool_id))
            .set_ipv6_netmask_length(length(&self.ipv6_netmask_length))
            .set_ipv6_native(self.ipv6_native.as_deref().copied())
            .set_outpost_arn(text(&self.outpost_arn))
            .tag_specifications(tagged(ResourceType::Subnet, self.tags.as_ref()));
        let answer = known(cx, || cx.create("ec2:CreateSubnet", || request.clone().send())).await?;
        let Some(made) = answer.subnet.filter(|subnet| subnet.subnet_id.is_some()) else {
            return Err(Failure::local(Class::InDoubt, "EC2 did not say which subnet it created"));
        };
        let id = made.subnet_id.unwrap_or_default();
        let early = json!({"SubnetId": id, "AvailabilityZone": made.availability_zone});
        cx.created(&Id::from(id.as_str()), early).await?;
        let mut subnet = available(&id, cx).await?;
        if self.ipv6_cidr_block.is_some() || self.ipv6_ipam_pool_id.is_some() {
            subnet = wait_ipv6(&id, |blocks| !blocks.is_empty(), cx).await?;
        }
        let desired = json!(self);
        let is_set = |path: &str| !at(&desired, path).is_null();
        turn(&id, &desired, &Value::Null, is_set, cx).await?;
        Ok(attributes(&subnet, acl_association(&id, cx).await?))
    }

    /// Turns off before the IPv6 addresses change what needs the old ones, and
    /// on after it what needs the new ones.
    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let id = live.id.as_str();
        let (desired, before) = (json!(self), json!(live.properties));
        let has = |path: &str| changes.0.iter().any(|change| path.starts_with(&change.path));
        turn(id, &desired, &before, |path| has(path) && is_off(&desired, path), cx).await?;
        if changes.has("Ipv6CidrBlock") {
            self.change_ipv6(id, cx).await?;
        }
        turn(id, &desired, &before, |path| has(path) && !is_off(&desired, path), cx).await?;
        retag(id, self.tags.as_ref(), changes, cx).await
    }

    /// Takes the old block of IPv6 addresses away before it gives the new one:
    /// EC2 allows a single one.
    async fn change_ipv6(&self, id: &str, cx: &Cx) -> Result<()> {
        for block in blocks(describe(id, cx).await?.as_ref()) {
            if block.ipv6_cidr_block == self.ipv6_cidr_block {
                return Ok(());
            }
            let association = block.association_id.unwrap_or_default();
            let request = cx.ec2().disassociate_subnet_cidr_block().association_id(association);
            cx.mutate("ec2:DisassociateSubnetCidrBlock", || request.clone().send())
                .await
                .found()?;
        }
        wait_ipv6(id, |blocks| blocks.is_empty(), cx).await?;
        let Some(block) = &self.ipv6_cidr_block else { return Ok(()) };
        let request = cx.ec2().associate_subnet_cidr_block().subnet_id(id).ipv6_cidr_block(block);
        known(cx, || cx.mutate("ec2:AssociateSubnetCidrBlock", || request.clone().send())).await?;
        wait_ipv6(id, |blocks| !blocks.is_empty(), cx).await?;
        Ok(())
    }
}

/// Waits until the IPv6 addresses are as they should be, and none on its way.
async fn wait_ipv6(
    id: &str,
    is_right: impl Fn(&[SubnetIpv6CidrBlockAssociation]) -> bool + Send + Sync,
    cx: &Cx,
) -> Result<Description> {
    cx.wait(DEADLINE, || async {
        let pending = || Poll::Pending("the subnet's IPv6 addresses are changing".to_owned());
        let Some(subnet) = describe(id, cx).await? else { return Ok(pending()) };
        let mut states = subnet.ipv6_cidr_block_association_set().iter();
        let is_moving = states.any(|block| {
            use SubnetCidrBlockStateCode::{Associating, Disassociating, Failing};
            let state = block.ipv6_cidr_block_state().and_then(|state| state.state());
            matches!(state, Some(Associating | Disassociating | Failing))
        });
        let is_over = !is_moving && is_right(&blocks(Some(&subnet)));
        Ok(if is_over { Poll::Ready(subnet) } else { pending() })
    })
    .await
}

async fn available(id: &str, cx: &Cx) -> Result<Description> {
    cx.wait(DEADLINE, || async {
        Ok(match describe(id, cx).await? {
            Some(subnet) if subnet.state == Some(SubnetState::Available) => Poll::Ready(subnet),
            Some(_) => Poll::Pending("the subnet is pending".to_owned()),
            None => Poll::Pending("EC2 does not show the subnet yet".to_owned()),
        })
    })
    .await
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_subnets().subnet_ids(id);
    let answer = cx.observe("ec2:DescribeSubnets", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.subnets?.into_iter().next()))
}

async fn acl_association(subnet: &str, cx: &Cx) -> Result<Option<String>> {
    let request = cx.ec2().describe_network_acls().filters(filter("association.subnet-id", subnet));
    let answer = cx.observe("ec2:DescribeNetworkAcls", || request.clone().send()).await?;
    let acls = answer.network_acls.unwrap_or_default().into_iter();
    let mut associations = acls.flat_map(|acl| acl.associations.unwrap_or_default());
    let own = associations.find(|association| association.subnet_id() == Some(subnet));
    Ok(own.and_then(|association| association.network_acl_association_id))
}

/// Returns a subnet's blocks of IPv6 addresses, without those on their way out.
fn blocks(subnet: Option<&Description>) -> Vec<SubnetIpv6CidrBlockAssociation> {
    use SubnetCidrBlockStateCode::{Disassociated, Disassociating, Failed};
    let is_gone = |block: &SubnetIpv6CidrBlockAssociation| {
        let state = block.ipv6_cidr_block_state().and_then(|state| state.state());
        matches!(state, Some(Disassociated | Disassociating | Failed))
    };
    let blocks = subnet.map(Description::ipv6_cidr_block_association_set).unwrap_or_default();
    blocks.iter().filter(|block| !is_gone(block)).cloned().collect()
}

fn attributes(subnet: &Description, acl: Option<String>) -> Attributes {
    let ipv6 = blocks(Some(subnet)).into_iter().filter_map(|block| block.ipv6_cidr_block);
    Attributes {
        subnet_id: Early(subnet.subnet_id.clone().unwrap_or_default()),
        availability_zone: Early(subnet.availability_zone.clone().unwrap_or_default()),
        availability_zone_id: subnet.availability_zone_id.clone(),
        cidr_block: subnet.cidr_block.clone(),
        vpc_id: subnet.vpc_id.clone(),
        ipv6_cidr_blocks: Volatile(ipv6.collect()),
        network_acl_association_id: acl.map(Volatile),
    }
}

fn properties(subnet: Description) -> Subnet {
    let ipv6_cidr_block = blocks(Some(&subnet)).into_iter().find_map(|b| b.ipv6_cidr_block);
    Subnet {
        vpc_id: Fixed(subnet.vpc_id.unwrap_or_default()),
        availability_zone: subnet.availability_zone.map(Fixed),
        availability_zone_id: subnet.availability_zone_id.map(Fixed),
        cidr_block: subnet.cidr_block.map(Fixed),
        ipv6_cidr_block,
        ipv6_native: subnet.ipv6_native.map(Fixed),
        outpost_arn: subnet.outpost_arn.map(Fixed),
        map_public_ip_on_launch: subnet.map_public_ip_on_launch,
        assign_ipv6_address_on_creation: subnet.assign_ipv6_address_on_creation,
        enable_dns64: subnet.enable_dns64,
        private_dns_name_options_on_launch: subnet.private_dns_name_options_on_launch.map(|o| {
            NameOptions {
                hostname_type: o.hostname_type.map(|kind| kind.to_string()),
                enable_a: o.enable_resource_name_dns_a_record,
                enable_aaaa: o.enable_resource_name_dns_aaaa_record,
            }
        }),
        tags: tags_of(subnet.tags.as_deref()),
        ..Subnet::default()
    }
}
