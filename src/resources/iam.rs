//! What the IAM kinds share.

use crate::resource::{Changes, Failure, Policy, Result};
use aws_sdk_iam::types::Tag as IamTag;
use serde_json::Value;
use std::future::Future;

/// Reads a policy document as IAM returns it: percent-encoded.
pub(super) fn document(encoded: &str) -> Policy {
    Policy::parse(&percent_decoded(encoded))
}

fn percent_decoded(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match (first, tail) {
            (b'%', [high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                decoded.push(hex_digit(*high) * 16 + hex_digit(*low));
                rest = after;
            }
            _ => {
                decoded.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

/// Returns the size of a document as IAM counts it, without white space.
pub(super) fn size(document: &Value) -> usize {
    let policy = serde_json::from_value::<Policy>(document.clone()).unwrap_or_default();
    policy.text().chars().filter(|c| !c.is_whitespace()).count()
}

/// Makes a tag as IAM takes it.
pub(super) fn iam_tag((key, value): (String, String)) -> Result<IamTag> {
    let tag = IamTag::builder().key(key).value(value).build();
    tag.map_err(|error| Failure::refused(error.to_string()))
}

/// Collects every page of a listing.
pub(super) async fn pages<P, F>(
    mut page: impl FnMut(Option<String>) -> F,
    marker: fn(&P) -> Option<&str>,
) -> Result<Vec<P>>
where
    F: Future<Output = Result<P>>,
{
    let mut pages = Vec::new();
    let mut next = None;
    loop {
        let found = page(next).await?;
        next = marker(&found).map(str::to_owned);
        pages.push(found);
        if next.is_none() {
            return Ok(pages);
        }
    }
}

/// Returns the items that a list property had before it changed.
pub(super) fn before<'a>(changes: &'a Changes, property: &str) -> Vec<&'a Value> {
    let whole_items = |path: &str| path.matches('/').count() <= 1;
    changes
        .0
        .iter()
        .filter(|change| change.property() == property && whole_items(&change.path))
        .flat_map(|change| match &change.before {
            Value::Array(items) => items.iter().collect(),
            Value::Null => Vec::new(),
            item => vec![item],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded() {
        assert_eq!(percent_decoded("%7B%22A%22%3a%20%22%C3%A9%25%22%7D"), r#"{"A": "é%"}"#);
        assert_eq!(percent_decoded("100%, %zz %4"), "100%, %zz %4");
    }

    #[test]
    fn white_space_has_no_size() {
        assert_eq!(size(&serde_json::json!({"A": "b c"})), r#"{"A":"bc"}"#.len());
        assert_eq!(size(&serde_json::json!("{ \"A\" : 1 }")), r#"{"A":1}"#.len());
    }
}
