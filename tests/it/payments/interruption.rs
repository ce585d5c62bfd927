//! A run that is killed or stopped is gone on with, and nothing is made twice.

use super::deployment::{Payments, REGIONS};
use crate::support::interruption::shape;
use crate::support::lost_answers::lose_first_answers;
use crate::support::proxy::Proxy;
use crate::support::wait::eventually;
use rustix::process::Signal;
use serde_json::json;
use std::os::unix::process::ExitStatusExt as _;

#[tokio::test]
async fn a_killed_apply_is_finished_by_the_next_with_nothing_made_twice() {
    let payments = Payments::new().await;
    let making = payments.changing_calls(&["apply"]);
    let whole = shape(&payments.inventory(&REGIONS));
    let removing = payments.changing_calls(&["destroy"]);
    let mut keys = payments.inventory(&REGIONS).pending.len();
    for part in 1..=3 {
        let point = making * part / 4;
        let ended = payments.signal_after(&["apply"], point, Signal::KILL);
        assert_eq!(ended.signal(), Some(9), "killed after {point} of {making} calls: {ended}");
        payments.apply(&[]);
        payments.assert_settled(&[]);
        let inventory = payments.inventory(&REGIONS);
        assert_eq!(shape(&inventory), whole, "killed after {point} of {making} calls");
        assert_eq!(inventory.pending.len(), keys, "a key too many was made");

        let point = removing * part / 4;
        let ended = payments.signal_after(&["destroy"], point, Signal::KILL);
        assert_eq!(ended.signal(), Some(9), "killed after {point} of {removing} calls: {ended}");
        payments.destroy();
        let inventory = payments.inventory(&REGIONS);
        assert_eq!(inventory.found, [], "killed after {point} of {removing} calls");
        keys += REGIONS.len();
        assert_eq!(inventory.pending.len(), keys, "each key is deleted once");
    }
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn a_killed_replacement_is_finished_and_leaves_no_old_one() {
    let payments = Payments::applied().await;
    let prefixes =
        ["payment-receipts", "receipts"].map(|prefix| format!("ReceiptsBucketPrefix={prefix}"));
    let [old, new] = prefixes.each_ref().map(|prefix| ["--param", prefix, "--allow-data-loss"]);
    let rename = [&["apply"], &new[..]].concat();
    let calls = payments.changing_calls(&rename);
    let renamed = shape(&payments.inventory(&REGIONS));
    for part in 1..=3 {
        payments.apply(&old);
        let point = calls * part / 4;
        let ended = payments.signal_after(&rename, point, Signal::KILL);
        assert_eq!(ended.signal(), Some(9), "killed after {point} of {calls} calls: {ended}");
        payments.apply(&new);
        payments.assert_settled(&new);
        let inventory = payments.inventory(&REGIONS);
        assert_eq!(shape(&inventory), renamed, "killed after {point} of {calls} calls");
    }
    payments.destroy();
    assert_eq!(payments.inventory(&REGIONS).found, []);
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn an_interrupted_apply_says_so_and_can_be_gone_on_with() {
    let payments = Payments::new().await;
    let ended = payments.signal_after(&["apply"], 30, Signal::INT);
    assert_eq!(ended.code(), Some(130));
    let half = payments.state().as_object().map_or(0, serde_json::Map::len);
    let steps = payments.plan(&[]).len();
    assert!(half > 0 && steps > 0, "{half} nodes made, {steps} steps left");

    payments.apply(&[]);
    payments.assert_settled(&[]);
    payments.destroy();
    let inventory = payments.inventory(&REGIONS);
    assert_eq!(inventory.found, []);
    assert_eq!(inventory.pending.len(), REGIONS.len());
    payments.world.assert_no_violations();
}

/// The API's new deployment is made, payctl is killed before it hears of it,
/// and then nobody wants it any more.
#[tokio::test]
async fn a_replacement_that_nobody_heard_of_goes_when_its_change_is_taken_back() {
    let proxy = Proxy::own();
    let payments = Payments::at(proxy.endpoint()).await;
    payments.apply(&[]);
    let whole = shape(&payments.inventory(&REGIONS));
    let api = payments.state()["us-east-1/Api"]["id"].as_str().expect("an id").to_owned();
    proxy.behave(&json!({"fail": [{
        "match": {"service": "apigateway", "operation": "CreateDeployment"},
        "action": {"hang": {"seconds": 120, "then": "answer"}},
    }]}));
    let mut apply = payments.start(&["apply", "--yes", "--param", "ApiTimeoutMillis=20000"]);
    eventually("there are two deployments", async || {
        (payments.deployments(&api).await.len() == 2).then_some(())
    })
    .await;
    apply.kill().expect("kill payctl");
    apply.wait().expect("wait for payctl");
    proxy.behave(&json!({}));

    payments.apply(&[]);
    payments.assert_settled(&[]);
    assert_eq!(shape(&payments.inventory(&REGIONS)), whole);
}

/// Each first call of its kind in a region takes effect, and payctl does not
/// hear of it.
#[tokio::test]
async fn lost_answers_make_nothing_twice_and_leave_nothing() {
    let proxy = Proxy::own();
    let payments = Payments::at(proxy.endpoint()).await;
    let making = payments.changes(&["apply"]);
    let whole = shape(&payments.inventory(&REGIONS));
    let removing = payments.changes(&["destroy"]);

    proxy.behave(&lose_first_answers(&making));
    payments.apply(&[]);
    payments.assert_settled(&[]);
    assert_eq!(shape(&payments.inventory(&REGIONS)), whole);
    proxy.behave(&lose_first_answers(&removing));
    payments.destroy();
    let inventory = payments.inventory(&REGIONS);
    assert_eq!(inventory.found, []);
    assert_eq!(inventory.pending.len(), 2 * REGIONS.len(), "each time a key in each region");
}
