//! What a deployment owns according to its tags: one query per region through
//! the tagging API, shared by everything that asks.

use super::error::Failure;
use crate::resource::Cx;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{Mutex, OnceCell};

/// The tag that names the deployment.
pub const DEPLOYMENT_TAG: &str = "payctl:deployment";
/// The tag that names the node.
pub const ADDRESS_TAG: &str = "payctl:address";
/// The tag that counts the node's replacements.
pub const GENERATION_TAG: &str = "payctl:generation";
/// What every ownership tag begins with.
pub const TAG_PREFIX: &str = "payctl:";

/// A tagged resource: its ARN, address tag and generation tag.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tagged {
    arn: String,
    address: String,
    generation: String,
}

type RegionCell = Arc<OnceCell<Vec<Tagged>>>;

/// The tag queries of a run. What is made during the run is not in them: it
/// is for finding what an earlier run left.
#[derive(Debug, Default)]
pub struct Owned {
    regions: Mutex<HashMap<String, RegionCell>>,
}

impl Owned {
    /// Forgets the answers, so that the next question asks AWS again.
    pub async fn forget(&self) {
        self.regions.lock().await.clear();
    }

    /// Returns the ARNs of the node's own instances of a type.
    pub(crate) async fn find(&self, cx: &Cx, resource_type: &str) -> Result<Vec<String>, Failure> {
        let cell = Arc::clone(self.regions.lock().await.entry(cx.region().to_owned()).or_default());
        let tagged = cell.get_or_try_init(|| query(cx)).await?;
        let address = cx.owner.address.tag();
        let generation = cx.owner.generation.to_string();
        let found = tagged.iter().filter(|t| {
            t.address == address && t.generation == generation && is_type(&t.arn, resource_type)
        });
        Ok(found.map(|t| t.arn.clone()).collect())
    }
}

/// Whether an ARN is of a tagging-API type such as `kms:key` or `sns`.
fn is_type(arn: &str, resource_type: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let service = parts.nth(2).unwrap_or_default();
    let resource = parts.nth(2).unwrap_or_default();
    match resource_type.split_once(':') {
        None => service == resource_type,
        Some((wanted, kind)) => {
            let rest = resource.trim_start_matches('/').strip_prefix(kind);
            service == wanted && rest.is_some_and(|rest| rest.starts_with(['/', ':']))
        }
    }
}

async fn query(cx: &Cx) -> Result<Vec<Tagged>, Failure> {
    let filter = aws_sdk_resourcegroupstagging::types::TagFilter::builder()
        .key(DEPLOYMENT_TAG)
        .values(&cx.owner.deployment)
        .build();
    let request = cx.tagging().get_resources().tag_filters(filter).resources_per_page(100);
    let mut found = Vec::new();
    let mut token: Option<String> = None;
    loop {
        let page = cx
            .observe("tagging:GetResources", || {
                request.clone().set_pagination_token(token.clone()).send()
            })
            .await?;
        for mapping in page.resource_tag_mapping_list() {
            let tag = |key: &str| {
                let found = mapping.tags().iter().find(|tag| tag.key() == key);
                found.map(|tag| tag.value().to_owned()).unwrap_or_default()
            };
            found.push(Tagged {
                arn: mapping.resource_arn().unwrap_or_default().to_owned(),
                address: tag(ADDRESS_TAG),
                generation: tag(GENERATION_TAG),
            });
        }
        token = page.pagination_token().filter(|token| !token.is_empty()).map(str::to_owned);
        if token.is_none() {
            return Ok(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_type;

    #[test]
    fn types_of_arns() {
        assert!(is_type("arn:aws:kms:us-east-1:000000000000:key/x", "kms:key"));
        assert!(!is_type("arn:aws:kms:us-east-1:000000000000:alias/x", "kms:key"));
        assert!(is_type("arn:aws:lambda:us-east-1:000000000000:function:x", "lambda:function"));
        assert!(is_type("arn:aws:apigateway:us-east-1::/restapis/x", "apigateway:restapis"));
        assert!(is_type("arn:aws:sns:us-east-1:000000000000:x", "sns"));
    }
}
