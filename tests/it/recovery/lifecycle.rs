//! Up in two regions, down again, and up once more.

use super::deployment::{REGIONS, Recovery};

#[tokio::test]
async fn the_stack_goes_up_and_down_and_up_again() {
    let recovery = Recovery::new().await;
    let output = recovery.run(&["apply", "--yes", "--regions", &REGIONS.join(",")]);
    let (_, outputs) =
        output.success().stdout.split_once("\nOutputs:\n").expect("apply ends with outputs");
    assert!(outputs.contains("primary_api_endpoint"), "{outputs}");
    recovery.assert_settled(&[]);

    let everywhere = recovery.inventory(&[]);
    for kind in KINDS {
        assert!(everywhere.found.iter().any(|thing| thing.kind == *kind), "no {kind} is found");
    }
    recovery.destroy();
    let left = recovery.inventory(&[]);
    assert_eq!(left.found, [], "in no region, and not in Route 53 or IAM");
    assert_eq!(left.pending, []);
    let state = recovery.run(&["state", "list"]);
    assert!(state.stderr.contains("has no state"), "{state}");

    recovery.apply(&[]);
    recovery.assert_settled(&[]);
    recovery.world.assert_no_violations();
}

/// What the listing of an account with the stack has to show, so that a listing
/// of nothing means something.
const KINDS: &[&str] = &[
    "alarm",
    "api",
    "api deployment",
    "api stage",
    "dashboard",
    "endpoint",
    "event source mapping",
    "function",
    "health check",
    "log group",
    "queue",
    "record",
    "role",
    "route table",
    "security group",
    "subnet",
    "subscription",
    "table",
    "topic",
    "vpc",
    "zone",
];
