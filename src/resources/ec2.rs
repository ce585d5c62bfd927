//! What the EC2 kinds share: tags, the search by them, and calls that name what
//! EC2 does not know everywhere yet.

use crate::aws::owned::{ADDRESS_TAG, DEPLOYMENT_TAG, GENERATION_TAG};
use crate::resource::{Changes, Class, Cx, Desired, Failure, Fault, Id, Poll, Result, Tags};
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use serde::Serialize;
use std::future::Future;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// How long EC2 may take to know everywhere what it has just made.
const KNOWN_EVERYWHERE: Duration = Duration::from_secs(60);

/// How long something is looked for whose creation was begun, before it is
/// taken for not made.
const SHOWN: Duration = Duration::from_secs(10);

/// How many gone things the tokens of one request may lead to.
const DEAD_TOKENS: usize = 8;

/// How long a deletion waits for what is being deleted beside it.
pub(super) const FREED: Duration = Duration::from_secs(300);

/// Makes the tags of a create call.
pub(super) fn tagged(kind: ResourceType, tags: Option<&Tags>) -> TagSpecification {
    let tags = tags.into_iter().flat_map(Tags::pairs).map(sdk_tag).collect();
    TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()
}

/// Reads tags as EC2 returns them.
pub(super) fn tags_of(tags: Option<&[Tag]>) -> Option<Tags> {
    let pair = |tag: &Tag| (tag.key.clone().unwrap_or_default(), tag.value.clone());
    let tags = tags.unwrap_or_default().iter().map(pair);
    Some(tags.map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// Brings the tags of a resource to what is desired.
pub(super) async fn retag(
    id: &str,
    desired: Option<&Tags>,
    changes: &Changes,
    cx: &Cx,
) -> Result<()> {
    let tags = changes.tags(desired);
    if !tags.set.is_empty() {
        let set = tags.set.into_iter().map(|tag| sdk_tag((tag.key, tag.value))).collect();
        let request = cx.ec2().create_tags().resources(id).set_tags(Some(set));
        cx.mutate("ec2:CreateTags", || request.clone().send()).await?;
    }
    if !tags.remove.is_empty() {
        let removed = tags.remove.into_iter().map(|key| Tag::builder().key(key).build()).collect();
        let request = cx.ec2().delete_tags().resources(id).set_tags(Some(removed));
        cx.mutate("ec2:DeleteTags", || request.clone().send()).await?;
    }
    Ok(())
}

fn sdk_tag((key, value): (String, String)) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// Makes a filter of a listing.
pub(super) fn filter(name: &str, value: impl Into<String>) -> Filter {
    Filter::builder().name(name).values(value).build()
}

/// Returns the tags that say that something is this node's own instance.
pub(super) fn ownership(cx: &Cx) -> [(&'static str, String); 3] {
    [
        (DEPLOYMENT_TAG, cx.owner.deployment.clone()),
        (ADDRESS_TAG, cx.owner.address.tag()),
        (GENERATION_TAG, cx.owner.generation.to_string()),
    ]
}

/// Returns the filters that find this node's own instance by its tags.
pub(super) fn owned(cx: &Cx) -> Option<Vec<Filter>> {
    Some(ownership(cx).map(|(key, value)| filter(&format!("tag:{key}"), value)).into())
}

/// Finds what a listing by tags has of this node. The listing may not have yet
/// what was begun a moment ago, so that is looked for more than once.
pub(super) async fn find_owned<F>(
    cx: &Cx,
    mut listing: impl FnMut() -> F + Send,
) -> Result<Option<Id>>
where
    F: Future<Output = Result<Option<String>>> + Send,
{
    let begun = Instant::now();
    cx.wait(KNOWN_EVERYWHERE, || {
        let listed = listing();
        async move {
            Ok(match listed.await? {
                None if cx.is_in_doubt() && begun.elapsed() < SHOWN => {
                    Poll::Pending("EC2 may not show yet what was begun".to_owned())
                }
                found => Poll::Ready(found.map(Id::from)),
            })
        }
    })
    .await
}

/// Whether these are the tags of this node's own instance.
pub(super) fn is_own(tags: Option<&[Tag]>, cx: &Cx) -> bool {
    let own = tags_of(tags).unwrap_or_default();
    cx.owner.owns(&own.pairs().collect())
}

/// Returns the idempotency token of a create call. EC2 refuses a token that
/// comes back with other parameters, and answers one whose resource is gone
/// with that dead resource: so the token is of this node's request, and of the
/// dead resource that the one before it led to.
pub(super) fn token(request: &impl Serialize, dead: &str, cx: &Cx) -> String {
    let request = serde_json::to_string(request).unwrap_or_default();
    let seed = format!("{} {dead} {request}", cx.owner.token());
    crate::hash::hex(seed.as_bytes())[..32].to_owned()
}

/// Makes something with a token. Its answer may be what an earlier attempt made
/// and what is gone since; `request` takes that one's id for another token.
pub(super) async fn made<F>(request: impl Fn(String) -> F + Send) -> Result<String>
where
    F: Future<Output = Result<(String, bool)>> + Send,
{
    let mut dead = String::new();
    for _ in 0..DEAD_TOKENS {
        match request(dead).await? {
            (id, true) => return Ok(id),
            (id, false) => dead = id,
        }
    }
    Err(Failure::refused(format!("EC2 makes it and ends it at once; the last one is {dead}")))
}

/// Repeats a call until EC2 knows what it names: that a thing was made reaches
/// all of EC2 some seconds later.
pub(super) async fn known<T, F>(cx: &Cx, mut call: impl FnMut() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
    T: Send,
{
    cx.wait(KNOWN_EVERYWHERE, || {
        let answer = call();
        async move {
            match answer.await {
                Err(failure) if failure.class == Class::Gone => {
                    Ok(Poll::Pending(format!("EC2 does not know it everywhere yet: {failure}")))
                }
                answer => answer.map(Poll::Ready),
            }
        }
    })
    .await
}

/// Repeats a description until EC2 has what was just made in it.
pub(super) async fn seen<T, F>(cx: &Cx, mut describe: impl FnMut() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<Option<T>>> + Send,
    T: Send,
{
    cx.wait(KNOWN_EVERYWHERE, || {
        let answer = describe();
        async move {
            Ok(match answer.await? {
                Some(found) => Poll::Ready(found),
                None => Poll::Pending("EC2 does not show it yet".to_owned()),
            })
        }
    })
    .await
}

/// Deletes something as soon as nothing uses it any more. What EC2 still names
/// after a few minutes is none of ours.
pub(super) async fn delete_when_free<T, E, F>(
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
    cx.wait(FREED, || async {
        Ok(match try_delete(operation, cx, &request).await? {
            None => Poll::Ready(()),
            Some(in_use) => Poll::Pending(in_use.to_string()),
        })
    })
    .await
}

/// Deletes something once. Returns EC2's words if something else uses it still;
/// the general retry would only repeat the call.
pub(super) async fn try_delete<T, E, F>(
    operation: &str,
    cx: &Cx,
    request: &(impl Fn() -> F + Send + Sync),
) -> Result<Option<Failure>>
where
    F: Future<Output = std::result::Result<T, E>> + Send,
    Failure: From<E>,
    E: Send,
    T: Send,
{
    let attempt = || {
        let answer = request();
        async move {
            answer.await.map(drop).map_err(|error| {
                let failure = Failure::from(error);
                if is_in_use(&failure) { failure.with_class(Class::Terminal) } else { failure }
            })
        }
    };
    match cx.mutate::<(), Failure, _>(operation, attempt).await {
        Ok(()) => Ok(None),
        Err(failure) if failure.class == Class::Gone => Ok(None),
        Err(failure) if is_in_use(&failure) => Ok(Some(failure)),
        Err(failure) => Err(failure),
    }
}

fn is_in_use(failure: &Failure) -> bool {
    failure.is_code(&["DependencyViolation", "InUse"])
}

/// The addresses that a property takes, and the lengths of their blocks.
#[derive(Clone, Debug)]
pub(super) enum Blocks {
    /// IPv4.
    V4(RangeInclusive<u32>),
    /// IPv6.
    V6(RangeInclusive<u32>),
}

impl Blocks {
    /// Any block of IPv4 addresses.
    pub(super) const ANY_V4: Self = Self::V4(0..=32);
    /// Any block of IPv6 addresses.
    pub(super) const ANY_V6: Self = Self::V6(0..=128);

    /// Returns the fault of a property that EC2 refuses, or would spell
    /// otherwise, so that it would differ from itself for ever.
    pub(super) fn fault(&self, desired: Desired<'_>, property: &str) -> Option<Fault> {
        self.problem(desired.text(property)?).map(|problem| Fault::new(property, problem))
    }

    /// Says what is wrong with a block of addresses.
    pub(super) fn problem(&self, block: &str) -> Option<String> {
        let (example, lengths) = match self {
            Self::V4(lengths) => ("10.0.0.0/16", lengths),
            Self::V6(lengths) => ("2001:db8:1234:1a00::/64", lengths),
        };
        let Some((first, length)) = self.first_address(block) else {
            return Some(format!("'{block}' is no block of addresses such as {example}"));
        };
        if !lengths.contains(&length) {
            let (shortest, longest) = (lengths.start(), lengths.end());
            return Some(format!("EC2 takes blocks of /{shortest} to /{longest} here"));
        }
        let spelled = format!("{first}/{length}");
        (spelled != block).then(|| format!("EC2 knows this block as {spelled}: write that"))
    }

    /// Reads a block; returns its first address and its length.
    fn first_address(&self, block: &str) -> Option<(IpAddr, u32)> {
        let (address, length) = block.split_once('/')?;
        let length: u32 = length.parse().ok()?;
        let first = match (self, address.parse().ok()?) {
            (Self::V4(_), IpAddr::V4(address)) if length <= 32 => {
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                IpAddr::from((address.to_bits() & mask).to_be_bytes())
            }
            (Self::V6(_), IpAddr::V6(address)) if length <= 128 => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                IpAddr::from((address.to_bits() & mask).to_be_bytes())
            }
            _ => return None,
        };
        Some((first, length))
    }
}

#[cfg(test)]
mod tests {
    use super::Blocks;

    #[test]
    fn blocks_have_one_spelling() {
        let (v4, v6) = (Blocks::ANY_V4, Blocks::ANY_V6);
        for good in ["10.0.0.0/16", "0.0.0.0/0", "10.1.2.3/32"] {
            assert_eq!(v4.problem(good), None, "{good}");
        }
        for good in ["::/0", "2001:db8::/32"] {
            assert_eq!(v6.problem(good), None, "{good}");
        }
        for (blocks, bad, right) in [
            (&v4, "10.0.0.1/16", "10.0.0.0/16"),
            (&v4, "10.0.0.0/016", "10.0.0.0/16"),
            (&v6, "2001:DB8::/32", "2001:db8::/32"),
            (&v6, "0:0:0:0:0:0:0:0/0", "::/0"),
        ] {
            assert!(blocks.problem(bad).is_some_and(|problem| problem.contains(right)), "{bad}");
        }
        for (blocks, bad) in [
            (&v4, "10.0.0.0"),
            (&v4, "10.0.0.0/33"),
            (&v4, "ten/8"),
            (&v4, "::/0"),
            (&v6, "0.0.0.0/0"),
        ] {
            let problem = blocks.problem(bad);
            assert!(problem.is_some_and(|problem| problem.contains("no block")), "{bad}");
        }
    }

    #[test]
    fn blocks_have_lengths() {
        let of_vpc = Blocks::V4(16..=28);
        assert_eq!(of_vpc.problem("10.0.0.0/28"), None);
        for bad in ["10.0.0.0/8", "10.0.0.0/29"] {
            let problem = of_vpc.problem(bad);
            assert!(problem.is_some_and(|problem| problem.contains("/16 to /28")), "{bad}");
        }
    }
}
