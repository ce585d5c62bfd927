//! Where a node stands: `us-east-1/Key`, `global/ProcessorRole`,
//! `us-east-1/FailoverRule[eu-west-1]`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The place of nodes whose type is global (IAM, Route 53).
pub const GLOBAL: &str = "global";

/// The address of a node: its place, its resource, and its `ForEach` keys.
///
/// It orders by place, then resource, then keys, and is written and stored as
/// text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Address {
    /// A region, or [`GLOBAL`].
    pub place: String,
    /// The logical id of the resource.
    pub resource: String,
    /// The value of each `ForEach` variable, in the order of the file.
    pub keys: Vec<String>,
}

impl Address {
    /// Returns the address of a resource without keys.
    pub fn new(place: impl Into<String>, resource: impl Into<String>) -> Self {
        Self { place: place.into(), resource: resource.into(), keys: Vec::new() }
    }

    /// Whether the node belongs to no region.
    pub fn is_global(&self) -> bool {
        self.place == GLOBAL
    }

    /// Returns the address in the characters that every service takes in a
    /// tag: `us-east-1/FailoverRule:eu-west-1`.
    pub fn tag(&self) -> String {
        let mut text = format!("{}/{}", self.place, self.resource);
        for key in &self.keys {
            text.push(':');
            text.push_str(key);
        }
        text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.place, self.resource)?;
        if !self.keys.is_empty() {
            write!(f, "[{}]", self.keys.join(","))?;
        }
        Ok(())
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

impl TryFrom<String> for Address {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!("'{text}' is not an address like us-east-1/Key or us-east-1/Rule[eu-west-1]")
        };
        let (place, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (resource, keys) = match rest.split_once('[') {
            None => (rest, Vec::new()),
            Some((resource, keys)) => {
                let keys = keys.strip_suffix(']').ok_or_else(wrong)?;
                (resource, keys.split(',').map(str::to_owned).collect())
            }
        };
        if place.is_empty() || resource.is_empty() {
            return Err(wrong());
        }
        Ok(Self { place: place.to_owned(), resource: resource.to_owned(), keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for text in
            ["us-east-1/Key", "global/Role", "us-east-1/Rule[eu-west-1]", "us-east-1/R[a,b]"]
        {
            let address: Address = text.parse().expect("an address");
            assert_eq!(address.to_string(), text);
        }
        for text in ["Key", "/Key", "us-east-1/", "us-east-1/R[a"] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
