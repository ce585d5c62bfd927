//! `AWS::EC2::VPC`: a virtual network.

use super::ec2::{Blocks, filter, find_owned, is_own, known, owned, retag, seen, tagged, tags_of};
use super::ec2_lingering::{Holder, delete};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Place,
    Poll, Recorded, Resource, Result, Tags, Volatile, WriteOnly,
};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, ResourceType, Vpc as Description, VpcAttributeName, VpcState,
};
use futures::try_join;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// A VPC. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-vpc.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Vpc {
    /// Its IPv4 addresses: a block of /16 to /28.
    pub cidr_block: Option<Fixed<String>>,
    /// The IPAM pool that its addresses come from.
    pub ipv4_ipam_pool_id: Option<Fixed<WriteOnly<String>>>,
    /// The length of the block's netmask from that pool.
    pub ipv4_netmask_length: Option<Fixed<WriteOnly<i32>>>,
    /// Whether instances with public addresses get public names.
    pub enable_dns_hostnames: Option<bool>,
    /// Whether it has AWS's name server.
    pub enable_dns_support: Option<bool>,
    /// Whether its instances share hardware with other accounts' or not.
    #[schemars(extend("enum" = ["dedicated", "default", "host"]))]
    pub instance_tenancy: Option<Fixed<String>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub vpc_id: Early<String>,
    /// Its first block of IPv4 addresses.
    pub cidr_block: Early<String>,
    /// What ties it to its blocks of IPv4 addresses.
    pub cidr_block_associations: Volatile<Vec<String>>,
    /// Its blocks of IPv6 addresses.
    pub ipv6_cidr_blocks: Volatile<Vec<String>>,
    /// The network ACL that came with it.
    pub default_network_acl: Option<String>,
    /// The security group that came with it.
    pub default_security_group: Option<String>,
}

/// How long a VPC may take to be there. It is a matter of seconds.
const DEADLINE: Duration = Duration::from_secs(120);

/// A switch of a VPC.
#[derive(Clone, Copy)]
enum Switch {
    Hostnames,
    Support,
}

impl Resource for Vpc {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::VPC")
        .taggable()
        .takes(3)
        .unsupported(&["VpcEncryptionControl"])
        .unsupported_attributes(&["VpcEncryptionControl"]);

    fn predict(desired: Desired<'_>, _place: &Place) -> Value {
        desired.text("CidrBlock").map_or(Value::Null, |block| json!({"CidrBlock": block}))
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let mut faults: Vec<_> =
            Blocks::V4(16..=28).fault(desired, "CidrBlock").into_iter().collect();
        let is_set = |name: &str| desired.0.get(name).is_some_and(|value| !value.is_null());
        if !is_set("CidrBlock") && !is_set("Ipv4IpamPoolId") {
            faults.push(Fault::new(
                "CidrBlock",
                "a VPC's addresses are a block or come from a pool: set CidrBlock or Ipv4IpamPoolId",
            ));
        }
        if is_set("Ipv4NetmaskLength") && !is_set("Ipv4IpamPoolId") {
            faults.push(Fault::new(
                "Ipv4NetmaskLength",
                "it says how much comes from a pool: set Ipv4IpamPoolId, or leave it out",
            ));
        }
        let is = |name: &str, value: bool| desired.get(name) == Some(&Value::Bool(value));
        if is("EnableDnsHostnames", true) && is("EnableDnsSupport", false) {
            faults.push(Fault::new(
                "EnableDnsHostnames",
                "there are host names only with a name server: set EnableDnsSupport to true",
            ));
        }
        faults
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_vpcs().set_filters(owned(cx));
        find_owned(cx, || async {
            let answer = cx.observe("ec2:DescribeVpcs", || request.clone().send()).await?;
            let mut found = answer.vpcs.unwrap_or_default().into_iter();
            let own = found.find(|vpc| is_own(vpc.tags.as_deref(), cx));
            Ok(own.and_then(|vpc| vpc.vpc_id))
        })
        .await
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let vpc = id.as_str();
        let answers = try_join!(
            describe(vpc, cx),
            switch(vpc, Switch::Hostnames, cx),
            switch(vpc, Switch::Support, cx),
            default_acl(vpc, cx),
            default_group(vpc, cx),
        );
        let Some((Some(description), hostnames, support, acl, group)) = answers.found()? else {
            return Ok(None);
        };
        let properties = Self {
            cidr_block: description.cidr_block.clone().map(Fixed),
            enable_dns_hostnames: hostnames,
            enable_dns_support: support,
            instance_tenancy: description.instance_tenancy.as_ref().map(|t| Fixed(t.to_string())),
            tags: tags_of(description.tags.as_deref()),
            ..Self::default()
        };
        let attributes = attributes(&description, acl, group);
        Ok(Some(Live { id: id.clone(), properties, attributes }))
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
                self.update(live, changes, cx).await?;
                Ok(live.attributes.clone())
            }
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = recorded.id.as_str();
        let request = cx.ec2().delete_vpc().vpc_id(id);
        delete(Holder::Vpc(id), "ec2:DeleteVpc", cx, || request.clone().send()).await
    }
}

impl Vpc {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .ec2()
            .create_vpc()
            .set_cidr_block(self.cidr_block.as_deref().cloned())
            .set_ipv4_ipam_pool_id(self.ipv4_ipam_pool_id.as_deref().map(|pool| pool.0.clone()))
            .set_ipv4_netmask_length(self.ipv4_netmask_length.as_deref().map(|length| length.0))
            .set_instance_tenancy(self.instance_tenancy.as_ref().map(|t| t.0.as_str().into()))
            .tag_specifications(tagged(ResourceType::Vpc, self.tags.as_ref()));
        let answer = cx.create("ec2:CreateVpc", || request.clone().send()).await?;
        let Some(made) = answer.vpc.filter(|vpc| vpc.vpc_id.is_some()) else {
            return Err(Failure::local(Class::InDoubt, "EC2 did not say which VPC it created"));
        };
        let id = made.vpc_id.clone().unwrap_or_default();
        let early = json!({"VpcId": id, "CidrBlock": made.cidr_block});
        cx.created(&Id::from(id.as_str()), early).await?;
        let vpc = available(&id, cx).await?;
        // EC2 turns names on and host names off.
        if self.enable_dns_support == Some(false) {
            set(&id, Switch::Support, false, cx).await?;
        }
        if self.enable_dns_hostnames == Some(true) {
            set(&id, Switch::Hostnames, true, cx).await?;
        }
        let (acl, group) =
            try_join!(seen(cx, || default_acl(&id, cx)), seen(cx, || default_group(&id, cx)))?;
        Ok(attributes(&vpc, Some(acl), Some(group)))
    }

    /// Host names need the name server, so it comes first and goes last.
    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<()> {
        let id = live.id.as_str();
        let support = self.enable_dns_support.unwrap_or(true);
        let hostnames = self.enable_dns_hostnames.unwrap_or(false);
        if changes.has("EnableDnsSupport") && support {
            set(id, Switch::Support, true, cx).await?;
        }
        if changes.has("EnableDnsHostnames") {
            set(id, Switch::Hostnames, hostnames, cx).await?;
        }
        if changes.has("EnableDnsSupport") && !support {
            set(id, Switch::Support, false, cx).await?;
        }
        retag(id, self.tags.as_ref(), changes, cx).await
    }
}

/// Turns a switch, a call takes one, and waits until it is turned: endpoints
/// with private names are refused until EC2 knows it.
async fn set(id: &str, switch: Switch, on: bool, cx: &Cx) -> Result<()> {
    let value = AttributeBooleanValue::builder().value(on).build();
    let request = cx.ec2().modify_vpc_attribute().vpc_id(id);
    let request = match switch {
        Switch::Hostnames => request.enable_dns_hostnames(value),
        Switch::Support => request.enable_dns_support(value),
    };
    known(cx, || cx.mutate("ec2:ModifyVpcAttribute", || request.clone().send())).await?;
    seen(cx, || async { Ok(self::switch(id, switch, cx).await?.filter(|now| *now == on)) }).await?;
    Ok(())
}

async fn switch(id: &str, switch: Switch, cx: &Cx) -> Result<Option<bool>> {
    let name = match switch {
        Switch::Hostnames => VpcAttributeName::EnableDnsHostnames,
        Switch::Support => VpcAttributeName::EnableDnsSupport,
    };
    let request = cx.ec2().describe_vpc_attribute().vpc_id(id).attribute(name);
    let answer = cx.observe("ec2:DescribeVpcAttribute", || request.clone().send()).await?;
    let value = match switch {
        Switch::Hostnames => answer.enable_dns_hostnames,
        Switch::Support => answer.enable_dns_support,
    };
    Ok(value.and_then(|value| value.value))
}

async fn available(id: &str, cx: &Cx) -> Result<Description> {
    cx.wait(DEADLINE, || async {
        Ok(match describe(id, cx).await? {
            Some(vpc) if vpc.state == Some(VpcState::Available) => Poll::Ready(vpc),
            Some(_) => Poll::Pending("the VPC is pending".to_owned()),
            None => Poll::Pending("EC2 does not show the VPC yet".to_owned()),
        })
    })
    .await
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Description>> {
    let request = cx.ec2().describe_vpcs().vpc_ids(id);
    let answer = cx.observe("ec2:DescribeVpcs", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.vpcs?.into_iter().next()))
}

async fn default_acl(vpc: &str, cx: &Cx) -> Result<Option<String>> {
    let request = cx
        .ec2()
        .describe_network_acls()
        .filters(filter("vpc-id", vpc))
        .filters(filter("default", "true"));
    let answer = cx.observe("ec2:DescribeNetworkAcls", || request.clone().send()).await?;
    let mut found = answer.network_acls.unwrap_or_default().into_iter();
    let acl = found.find(|acl| acl.is_default == Some(true) && acl.vpc_id() == Some(vpc));
    Ok(acl.and_then(|acl| acl.network_acl_id))
}

async fn default_group(vpc: &str, cx: &Cx) -> Result<Option<String>> {
    let request = cx
        .ec2()
        .describe_security_groups()
        .filters(filter("vpc-id", vpc))
        .filters(filter("group-name", "default"));
    let answer = cx.observe("ec2:DescribeSecurityGroups", || request.clone().send()).await?;
    let mut found = answer.security_groups.unwrap_or_default().into_iter();
    Ok(found.next().and_then(|group| group.group_id))
}

fn attributes(vpc: &Description, acl: Option<String>, group: Option<String>) -> Attributes {
    let associations = vpc.cidr_block_association_set().iter();
    let blocks = vpc.ipv6_cidr_block_association_set().iter();
    Attributes {
        vpc_id: Early(vpc.vpc_id.clone().unwrap_or_default()),
        cidr_block: Early(vpc.cidr_block.clone().unwrap_or_default()),
        cidr_block_associations: Volatile(
            associations.filter_map(|block| block.association_id.clone()).collect(),
        ),
        ipv6_cidr_blocks: Volatile(
            blocks.filter_map(|block| block.ipv6_cidr_block.clone()).collect(),
        ),
        default_network_acl: acl,
        default_security_group: group,
    }
}
