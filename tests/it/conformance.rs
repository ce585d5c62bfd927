//! Every kind conforms to AWS's own schema of its type.
//!
//! AWS publishes a provider schema for each resource type; cfn-lint packages
//! them. Names, types, required properties, allowed values, what a change
//! replaces, attributes and tags are compared. A difference that is right has
//! its reason in `conformance/differences.yaml`; nested properties that payctl
//! does not support yet are in `conformance/missing.yaml`.

mod compare;
mod provider;
mod shape;

use compare::{Differences, compare};
use payctl::resources::KINDS;
use provider::Provider;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Type → path → difference → reason.
type Differing = BTreeMap<String, BTreeMap<String, BTreeMap<String, String>>>;
/// Type → path → reason.
type Missing = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn kinds_conform_to_aws() {
    let types: Vec<_> = KINDS.iter().map(|kind| kind.meta().type_name).collect();
    let providers = Provider::load(&types);
    let mut report = String::new();
    let mut reviewed = Reviewed::load();
    for kind in KINDS {
        let name = kind.meta().type_name;
        let faults = match &providers[name] {
            Some(provider) => reviewed.remaining(name, compare(*kind, provider)),
            None => vec!["AWS has no such type".to_owned()],
        };
        if !faults.is_empty() {
            let _ = write!(report, "\n{name}\n    {}\n", faults.join("\n    "));
        }
    }
    for entry in reviewed.stale() {
        let _ = write!(report, "\nno longer so, remove it: {entry}");
    }
    assert!(
        report.is_empty(),
        "kinds differ from AWS's schemas. Mend them, or give the reason in \
         tests/it/conformance/differences.yaml (nested properties that are not \
         supported: missing.yaml):\n{report}"
    );
}

/// The differences that somebody looked at and gave a reason for. Those that
/// are met are crossed off.
struct Reviewed {
    differing: Differing,
    missing: Missing,
}

impl Reviewed {
    fn load() -> Self {
        let read = "a valid list of differences";
        Self {
            differing: serde_saphyr::from_str(include_str!("conformance/differences.yaml"))
                .expect(read),
            missing: serde_saphyr::from_str(include_str!("conformance/missing.yaml")).expect(read),
        }
    }

    /// Returns the differences without a reason, one line each.
    #[expect(clippy::print_stdout, reason = "notes for whoever reads a test's output")]
    fn remaining(&mut self, name: &str, differences: Differences) -> Vec<String> {
        let mut faults = BTreeSet::new();
        for (path, what) in differences.found {
            let listed = self.differing.get_mut(name).and_then(|paths| paths.get_mut(&path));
            if listed.and_then(|reasons| reasons.remove(&what)).is_none() {
                faults.insert(format!("{path}: {what}"));
            }
        }
        for path in differences.missing {
            let listed = self.missing.get_mut(name).and_then(|paths| paths.remove(&path));
            if listed.is_none() {
                faults.insert(format!("{path}: missing"));
            }
        }
        for (path, what) in differences.notes {
            println!("{name} {path}: {what} (a note, not a fault)");
        }
        faults.into_iter().collect()
    }

    /// Returns what was listed and is not met.
    fn stale(self) -> Vec<String> {
        let differing = self.differing.into_iter().flat_map(|(name, paths)| {
            paths.into_iter().flat_map(move |(path, reasons)| {
                let name = name.clone();
                reasons.into_keys().map(move |what| format!("{name} {path}: {what}"))
            })
        });
        let missing = self.missing.into_iter().flat_map(|(name, paths)| {
            paths.into_keys().map(move |path| format!("{name} {path}: missing"))
        });
        differing.chain(missing).collect()
    }
}
