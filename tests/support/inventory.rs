//! What an account holds, listed by `inventory.py` without payctl's help.

use super::{payctl::TestEnvironment, python};
use serde::Deserialize;
use std::path::Path;

/// A listing of an account.
#[derive(Debug, Deserialize)]
pub(crate) struct Inventory {
    /// What exists.
    pub(crate) found: Vec<Thing>,
    /// KMS keys that wait for their deletion.
    pub(crate) pending: Vec<Thing>,
}

/// Something that exists.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub(crate) struct Thing {
    /// Its region, or `global`.
    pub(crate) place: String,
    /// What it is, in a word or two.
    pub(crate) kind: String,
    /// What names it.
    pub(crate) name: String,
}

impl Inventory {
    /// Lists what the environment's account holds in these regions, or in all
    /// that AWS has when none is named.
    pub(crate) fn of(world: &TestEnvironment, regions: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/inventory.py");
        let mut arguments = vec!["-B", script.to_str().expect("a path in UTF-8")];
        arguments.extend([world.endpoint(), world.account()]);
        arguments.extend(regions);
        let listing = python::run(&python::EMULATOR.program("python"), arguments);
        serde_json::from_str(&listing).expect("the listing is JSON")
    }
}
