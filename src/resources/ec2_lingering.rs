//! Deletion of what network interfaces hold. A function in a VPC leaves
//! interfaces behind that hold its subnets and security groups for up to 40
//! minutes after its deletion.

use super::ec2::{FREED, filter, try_delete};
use crate::resource::{Cx, Failure, Found as _, Poll, Result};
use aws_sdk_ec2::types::{Filter, NetworkInterface, NetworkInterfaceStatus};
use std::future::Future;
use std::time::{Duration, Instant};

/// What Lambda calls the interfaces that it makes. Their type changes when
/// they are detached; this stays.
const DESCRIPTION: &str = "AWS Lambda VPC ENI";

/// How long AWS's own clean-up may take.
const LINGERING: Duration = Duration::from_secs(40 * 60);

/// What holds, or is held by, an interface.
#[derive(Clone, Copy)]
pub(super) enum Holder<'a> {
    /// A subnet.
    Subnet(&'a str),
    /// A security group.
    Group(&'a str),
    /// A VPC. Its subnets and groups that are ours are gone before it, so that
    /// no interface in it is ours.
    Vpc(&'a str),
}

/// Deletes a subnet, a security group or a VPC. Where interfaces of deleted
/// functions hold it, those that are detached are deleted, and the others
/// waited for. What is somebody else's is named and not waited for.
pub(super) async fn delete<T, E, F>(
    holder: Holder<'_>,
    operation: &str,
    cx: &Cx,
    request: impl Fn() -> F + Send + Sync,
) -> Result<()>
where
    F: Future<Output = std::result::Result<T, E>> + Send,
    Failure: From<E>,
    E: Send,
    T: Send,
{
    let Some(in_use) = try_delete(operation, cx, &request).await? else { return Ok(()) };
    cx.wait(LINGERING, || async {
        let (lambdas, others): (Vec<_>, Vec<_>) =
            interfaces(holder, cx).await?.into_iter().partition(|found| is_lambdas(found, holder));
        let left = remove_detached(lambdas, cx).await?;
        if !left.is_empty() {
            return Ok(Poll::Pending(format!(
                "waiting for Lambda to let go of {}, which it may do as late as 40 minutes after \
                 the function's deletion",
                listed(&left)
            )));
        }
        let foreign: Vec<_> = others.into_iter().filter(|found| !goes_by_itself(found)).collect();
        if foreign.is_empty() { Ok(Poll::Ready(())) } else { Err(held(&in_use, listed(&foreign))) }
    })
    .await?;
    delete_when_let_go(holder, operation, cx, request).await
}

/// Deletes it as soon as EC2 has noticed that nothing holds it any more; if
/// that does not come, says what does.
async fn delete_when_let_go<T, E, F>(
    holder: Holder<'_>,
    operation: &str,
    cx: &Cx,
    request: impl Fn() -> F + Send + Sync,
) -> Result<()>
where
    F: Future<Output = std::result::Result<T, E>> + Send,
    Failure: From<E>,
    E: Send,
    T: Send,
{
    let begun = Instant::now();
    let in_use = cx
        .wait(LINGERING, || async {
            Ok(match try_delete(operation, cx, &request).await? {
                Some(in_use) if begun.elapsed() < FREED => Poll::Pending(in_use.to_string()),
                in_use => Poll::Ready(in_use),
            })
        })
        .await?;
    match in_use {
        None => Ok(()),
        Some(in_use) => Err(held(&in_use, holders(holder, cx).await?)),
    }
}

/// Returns EC2's refusal, which does not say what holds the thing, with that.
fn held(in_use: &Failure, holders: String) -> Failure {
    let refusal = in_use.message.trim_end_matches('.');
    let message = format!("{refusal}: it is held by {holders}; remove that first");
    Failure { message, ..in_use.clone() }
}

/// Deletes the interfaces that nothing uses; returns those that are left.
async fn remove_detached(
    interfaces: Vec<NetworkInterface>,
    cx: &Cx,
) -> Result<Vec<NetworkInterface>> {
    let mut left = Vec::new();
    for interface in interfaces {
        if interface.status != Some(NetworkInterfaceStatus::Available) {
            left.push(interface);
            continue;
        }
        cx.progress("deleting a network interface that a deleted function left behind");
        let id = interface.network_interface_id().unwrap_or_default();
        let request = cx.ec2().delete_network_interface().network_interface_id(id);
        match cx.mutate("ec2:DeleteNetworkInterface", || request.clone().send()).await.found() {
            // Lambda has it again, or still.
            Err(failure) if failure.message.contains("in use") => left.push(interface),
            answer => drop(answer?),
        }
    }
    Ok(left)
}

/// Returns the interfaces in a subnet or VPC or under a security group.
async fn interfaces(holder: Holder<'_>, cx: &Cx) -> Result<Vec<NetworkInterface>> {
    let request = cx.ec2().describe_network_interfaces().filters(holder.filter());
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let page = cx
            .observe("ec2:DescribeNetworkInterfaces", || {
                request.clone().set_next_token(token.clone()).send()
            })
            .await?;
        // Deleting by mistake cannot be undone, so the filter's word is not
        // taken for it.
        let listed = page.network_interfaces.unwrap_or_default().into_iter();
        found.extend(listed.filter(|interface| holder.holds(interface)));
        token = page.next_token;
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Whether an interface is one that Lambda made for a function of ours: what
/// is in our subnet or under our group is ours.
fn is_lambdas(interface: &NetworkInterface, holder: Holder<'_>) -> bool {
    let description = interface.description().unwrap_or_default();
    !matches!(holder, Holder::Vpc(_)) && description.starts_with(DESCRIPTION)
}

/// Whether an interface goes with what AWS made it for, such as an endpoint:
/// it may be shown for a while after that.
fn goes_by_itself(interface: &NetworkInterface) -> bool {
    let description = interface.description().unwrap_or_default();
    interface.requester_managed == Some(true) || description.starts_with(DESCRIPTION)
}

/// Names what still holds it when all of ours is gone.
async fn holders(holder: Holder<'_>, cx: &Cx) -> Result<String> {
    let mut found = Vec::new();
    let interfaces = interfaces(holder, cx).await?;
    if !interfaces.is_empty() {
        found.push(listed(&interfaces));
    }
    let filters: &[&str] = match holder {
        Holder::Subnet(_) => &[],
        Holder::Group(_) => &["ip-permission.group-id", "egress.ip-permission.group-id"],
        Holder::Vpc(_) => &["vpc-id"],
    };
    for name in filters {
        let request = cx.ec2().describe_security_groups().filters(filter(name, holder.id()));
        let answer = cx.observe("ec2:DescribeSecurityGroups", || request.clone().send()).await?;
        let groups = answer.security_groups.unwrap_or_default().into_iter();
        // A VPC's own group goes with it.
        let others = groups.filter(|group| group.group_name() != Some("default"));
        let ids = others.filter_map(|group| group.group_id).filter(|id| id != holder.id());
        found.extend(ids.map(|id| format!("security group {id}")));
    }
    if let Holder::Vpc(_) = holder {
        let request = cx.ec2().describe_subnets().filters(holder.filter());
        let answer = cx.observe("ec2:DescribeSubnets", || request.clone().send()).await?;
        let ids = answer.subnets.unwrap_or_default().into_iter().filter_map(|s| s.subnet_id);
        found.extend(ids.map(|id| format!("subnet {id}")));
    }
    found.dedup();
    Ok(if found.is_empty() { "what EC2 does not show".to_owned() } else { found.join(", ") })
}

/// Names interfaces with what they are for.
fn listed(interfaces: &[NetworkInterface]) -> String {
    let named = interfaces.iter().map(|interface| {
        let id = interface.network_interface_id().unwrap_or_default();
        match interface.description().unwrap_or_default() {
            "" => format!("network interface {id}"),
            description => format!("network interface {id} ({description})"),
        }
    });
    named.collect::<Vec<_>>().join(", ")
}

impl<'a> Holder<'a> {
    fn id(self) -> &'a str {
        let (Self::Subnet(id) | Self::Group(id) | Self::Vpc(id)) = self;
        id
    }

    fn filter(self) -> Filter {
        match self {
            Self::Subnet(id) => filter("subnet-id", id),
            Self::Group(id) => filter("group-id", id),
            Self::Vpc(id) => filter("vpc-id", id),
        }
    }

    fn holds(self, interface: &NetworkInterface) -> bool {
        match self {
            Self::Subnet(id) => interface.subnet_id() == Some(id),
            Self::Group(id) => interface.groups().iter().any(|group| group.group_id() == Some(id)),
            Self::Vpc(id) => interface.vpc_id() == Some(id),
        }
    }
}
