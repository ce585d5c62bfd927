//! `AWS::EC2::EIP`: an elastic IP address.

use super::ec2::{
    delete_when_free, find_owned, is_own, known, owned, retag, seen, tagged, tags_of,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Live, Meta, Ready,
    Recorded, Resource, Result, Tags, WriteOnly,
};
use aws_sdk_ec2::types::{Address, DomainType, ResourceType};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// An address. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ec2-eip.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct Eip {
    /// Where it is used; EC2 has only `vpc` left.
    pub domain: Option<String>,
    /// The instance that has it.
    pub instance_id: Option<Ready<String>>,
    /// The address to get, if it can be had, from a pool or a release.
    pub address: Option<Fixed<WriteOnly<String>>>,
    /// The IPAM pool that it comes from.
    pub ipam_pool_id: Option<Fixed<WriteOnly<String>>>,
    /// The zones or the edge that AWS announces it from.
    pub network_border_group: Option<Fixed<String>>,
    /// The pool of own addresses that it comes from.
    pub public_ipv4_pool: Option<Fixed<String>>,
    /// Its tags.
    pub tags: Option<Tags>,
}

/// What EC2 gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its id.
    pub allocation_id: Early<String>,
    /// The address.
    pub public_ip: Early<String>,
}

impl Resource for Eip {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::EC2::EIP")
        .taggable()
        .reference("PublicIp")
        .unsupported(&["TransferAddress"]);

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let domain = desired.text("Domain").filter(|domain| *domain != "vpc");
        let fault =
            |_| Fault::new("Domain", "every address is for VPCs: write vpc or leave it out");
        domain.map(fault).into_iter().collect()
    }

    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let request = cx.ec2().describe_addresses().set_filters(owned(cx));
        find_owned(cx, || async {
            let answer = cx.observe("ec2:DescribeAddresses", || request.clone().send()).await?;
            let mut found = answer.addresses.unwrap_or_default().into_iter();
            let own = found.find(|address| is_own(address.tags.as_deref(), cx));
            Ok(own.map(|own| Attributes::of(own.allocation_id, own.public_ip).id().0))
        })
        .await
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let Some(address) = describe(allocation(id), cx).await? else { return Ok(None) };
        let properties = Self {
            domain: address.domain.as_ref().map(ToString::to_string),
            instance_id: address.instance_id.filter(|id| !id.is_empty()).map(Ready),
            network_border_group: address.network_border_group.map(Fixed),
            public_ipv4_pool: address.public_ipv4_pool.map(Fixed),
            tags: tags_of(address.tags.as_deref()),
            ..Self::default()
        };
        let attributes = Attributes::of(address.allocation_id, address.public_ip);
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        let Some(live) = current else { return self.create(cx).await };
        let id = live.attributes.allocation_id.as_str();
        if changes.has("InstanceId") {
            match &self.instance_id {
                Some(instance) => associate(id, instance, cx).await?,
                None => disassociate(id, cx).await?,
            }
        }
        retag(id, self.tags.as_ref(), changes, cx).await?;
        Ok(live.attributes.clone())
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let id = allocation(&recorded.id);
        let applied = recorded.applied.as_ref();
        if applied.is_some_and(|address| address.instance_id.is_some()) {
            disassociate(id, cx).await?;
        }
        let group = applied.and_then(|address| address.network_border_group.as_deref().cloned());
        let request = cx.ec2().release_address().allocation_id(id).set_network_border_group(group);
        delete_when_free("ec2:ReleaseAddress", cx, || request.clone().send()).await
    }
}

impl Eip {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let request = cx
            .ec2()
            .allocate_address()
            .domain(DomainType::Vpc)
            .set_address(self.address.as_deref().map(|address| address.0.clone()))
            .set_ipam_pool_id(self.ipam_pool_id.as_deref().map(|pool| pool.0.clone()))
            .set_network_border_group(self.network_border_group.as_deref().cloned())
            .set_public_ipv4_pool(self.public_ipv4_pool.as_deref().cloned())
            .tag_specifications(tagged(ResourceType::ElasticIp, self.tags.as_ref()));
        let answer = cx.create("ec2:AllocateAddress", || request.clone().send()).await?;
        if answer.allocation_id.is_none() {
            return Err(Failure::local(Class::InDoubt, "EC2 did not say which address it gave"));
        }
        let attributes = Attributes::of(answer.allocation_id, answer.public_ip);
        cx.created(&attributes.id(), json!(attributes)).await?;
        seen(cx, || describe(&attributes.allocation_id, cx)).await?;
        if let Some(instance) = &self.instance_id {
            associate(&attributes.allocation_id, instance, cx).await?;
        }
        Ok(attributes)
    }
}

impl Attributes {
    fn of(allocation: Option<String>, address: Option<String>) -> Self {
        Self {
            allocation_id: Early(allocation.unwrap_or_default()),
            public_ip: Early(address.unwrap_or_default()),
        }
    }

    fn id(&self) -> Id {
        Id::join([&self.public_ip.0, &self.allocation_id.0])
    }
}

fn allocation(id: &Id) -> &str {
    let [_, allocation] = id.parts();
    allocation
}

/// Gives the address to an instance; another that has it loses it.
async fn associate(id: &str, instance: &str, cx: &Cx) -> Result<()> {
    let request = cx
        .ec2()
        .associate_address()
        .allocation_id(id)
        .instance_id(instance)
        .allow_reassociation(true);
    known(cx, || cx.mutate("ec2:AssociateAddress", || request.clone().send())).await?;
    Ok(())
}

async fn disassociate(id: &str, cx: &Cx) -> Result<()> {
    let address = describe(id, cx).await?;
    let Some(association) = address.and_then(|address| address.association_id) else {
        return Ok(());
    };
    let request = cx.ec2().disassociate_address().association_id(association);
    cx.mutate("ec2:DisassociateAddress", || request.clone().send()).await.found()?;
    Ok(())
}

async fn describe(id: &str, cx: &Cx) -> Result<Option<Address>> {
    let request = cx.ec2().describe_addresses().allocation_ids(id);
    let answer = cx.observe("ec2:DescribeAddresses", || request.clone().send()).await.found()?;
    Ok(answer.and_then(|answer| answer.addresses?.into_iter().next()))
}
