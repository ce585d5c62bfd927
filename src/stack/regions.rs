//! The regions of AWS.

use crate::diagnostic::{Diagnostic, Diagnostics, Sources, nearest};

/// Every region that AWS has announced.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

/// Checks regions that were given on the command line.
pub fn check_regions(regions: &[String]) -> Result<(), Diagnostics> {
    let problems = regions.iter().filter_map(|region| fault(region)).collect();
    Diagnostics::check(problems, &Sources::default())
}

/// Returns what is wrong with a region's name.
pub(super) fn fault(region: &str) -> Option<Diagnostic> {
    if REGIONS.contains(&region) {
        return None;
    }
    let problem = if has_form(region) {
        Diagnostic::new(format!("unknown region `{region}`"))
    } else {
        Diagnostic::new(format!("`{region}` is not a region"))
    };
    Some(match nearest(region, REGIONS.iter().copied()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("a region is written like `us-east-1`"),
    })
}

/// Whether a name has the form of a region's: `us-east-1`.
fn has_form(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let [words @ .., number] = parts.as_slice() else { return false };
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    words.len() >= 2
        && words.iter().all(is_word)
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_regions() {
        assert_eq!(fault("eu-west-1"), None);
        let wrong = fault("eu-wets-1").expect("a mistake");
        assert_eq!(wrong.help.as_deref(), Some("did you mean `eu-west-1`?"));
        let unknown = fault("xx-test-1").expect("a mistake");
        assert_eq!(unknown.summary, "unknown region `xx-test-1`");
        for text in ["", "us", "us-east", "us-east-x", "US-EAST-1", "us--1", "east-1"] {
            let wrong = fault(text).expect("a mistake");
            assert_eq!(wrong.summary, format!("`{text}` is not a region"));
        }
    }
}
