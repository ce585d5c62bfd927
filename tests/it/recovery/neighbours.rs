//! Both of the project's stacks in one account.

use super::deployment::{REGIONS, Recovery};
use crate::support::deployment::Deployment;
use crate::support::inventory::Thing;
use std::collections::BTreeSet;

#[tokio::test]
async fn both_stacks_live_side_by_side_and_go_one_by_one() {
    let recovery = Recovery::new().await;
    let payments = recovery.of_stack("payment-processing");
    let mut runs = [&*recovery, &payments].map(|stack| stack.start(&["apply", "--yes"]));
    for run in &mut runs {
        let status = run.wait().expect("wait for payctl");
        assert!(status.success(), "{status}");
    }
    recovery.assert_settled(&[]);
    payments.assert_settled(&[]);

    let both = recovery.things();
    payments.destroy();
    let one = recovery.things();
    assert!(one.is_subset(&both) && one.iter().any(|thing| thing.kind == "zone"), "{one:#?}");
    recovery.assert_settled(&[]);
    payments.apply(&[]);
    recovery.destroy();
    let other = recovery.things();
    let expected: Vec<_> = names(&both).difference(&names(&one)).cloned().collect();
    assert_eq!(
        names(&other).into_iter().collect::<Vec<_>>(),
        expected,
        "what is not its own stays"
    );
    payments.assert_settled(&[]);
    payments.destroy();
    assert_eq!(recovery.things(), BTreeSet::new());
    recovery.world.assert_no_violations();
}

impl Deployment {
    fn things(&self) -> BTreeSet<Thing> {
        let regions = [&REGIONS[..], &["eu-west-1", "ap-southeast-1"]].concat();
        self.inventory(&regions).found.into_iter().collect()
    }
}

/// Returns the names of those things that the stack files name.
fn names(things: &BTreeSet<Thing>) -> BTreeSet<String> {
    let is_named = |thing: &&Thing| ["alarm", "function", "queue", "role"].contains(&&*thing.kind);
    things.iter().filter(is_named).map(|thing| format!("{} {}", thing.place, thing.name)).collect()
}
