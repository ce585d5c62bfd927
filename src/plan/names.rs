//! Physical names that the stack file leaves out.

use crate::address::Address;
use crate::resource::{NameRule, Place};
use serde_json::Value;

/// Returns a name made of deployment, logical id, keys and generation: the
/// same on every run, so that the resource is found again after a crash. A
/// hash ends it, which also tells accounts and regions apart.
pub fn physical(
    rule: &NameRule,
    properties: &Value,
    deployment: &str,
    address: &Address,
    generation: u32,
    place: &Place,
) -> String {
    let seed = format!("{} {deployment} {address} {generation} {}", place.account, place.region);
    let hash = &crate::hash::hex(seed.as_bytes())[..8];
    let mut words = vec![deployment.replace('.', "-"), address.resource.clone()];
    words.extend(address.keys.iter().cloned());
    let mut stem: String =
        words.join("-").chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    if rule.lowercase {
        stem.make_ascii_lowercase();
    }
    let suffix = rule.suffix.filter(|(when, _)| properties.get(when) == Some(&Value::Bool(true)));
    let suffix = suffix.map_or("", |(_, suffix)| suffix);
    stem.truncate(rule.max.saturating_sub(hash.len() + 1 + suffix.len()));
    format!("{}-{hash}{suffix}", stem.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_enough_and_differ_by_generation() {
        let place = Place {
            region: "us-east-1".into(),
            account: "000000000000".into(),
            partition: "aws".into(),
        };
        let rule = NameRule {
            property: "BucketName",
            max: 40,
            lowercase: true,
            suffix: Some(("FifoQueue", ".fifo")),
        };
        let mut address = Address::new("us-east-1", "ReceiptsOfAllThePaymentsEverMade");
        address.keys = vec!["eu-west-1".to_owned()];
        let first = physical(&rule, &Value::Null, "payments.dev", &address, 0, &place);
        assert!(first.len() <= 40, "{first}");
        assert!(first.starts_with("payments-dev-receipts"), "{first}");
        assert_ne!(first, physical(&rule, &Value::Null, "payments.dev", &address, 1, &place));
        let fifo = serde_json::json!({"FifoQueue": true});
        let name = physical(&rule, &fifo, "payments.dev", &address, 0, &place);
        assert!(name.len() <= 40 && name.ends_with(".fifo"), "{name}");
    }
}
