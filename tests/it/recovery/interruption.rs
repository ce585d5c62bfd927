//! A run that is killed is gone on with, and nothing is made twice.

use super::deployment::{REGIONS, Recovery};
use crate::support::interruption::shape;
use crate::support::lost_answers::lose_first_answers;
use crate::support::proxy::Proxy;
use rustix::process::Signal;
use std::os::unix::process::ExitStatusExt as _;

#[tokio::test]
async fn a_killed_run_is_finished_by_the_next_with_nothing_made_twice() {
    let recovery = Recovery::new().await;
    let making = recovery.changing_calls(&["apply"]);
    let whole = shape(&recovery.inventory(&REGIONS));
    let removing = recovery.changing_calls(&["destroy"]);
    for part in 1..=3 {
        let point = making * part / 4;
        let ended = recovery.signal_after(&["apply"], point, Signal::KILL);
        assert_eq!(ended.signal(), Some(9), "killed after {point} of {making} calls: {ended}");
        recovery.apply(&[]);
        recovery.assert_settled(&[]);
        let inventory = recovery.inventory(&REGIONS);
        assert_eq!(shape(&inventory), whole, "killed after {point} of {making} calls");

        let point = removing * part / 4;
        let ended = recovery.signal_after(&["destroy"], point, Signal::KILL);
        assert_eq!(ended.signal(), Some(9), "killed after {point} of {removing} calls: {ended}");
        recovery.destroy();
        let inventory = recovery.inventory(&REGIONS);
        assert_eq!(inventory.found, [], "killed after {point} of {removing} calls");
    }
    recovery.world.assert_no_violations();
}

/// Each first call of its kind in a region takes effect, and payctl does not
/// hear of it.
#[tokio::test]
async fn lost_answers_make_nothing_twice_and_leave_nothing() {
    let proxy = Proxy::own();
    let recovery = Recovery::at(proxy.endpoint()).await;
    let making = recovery.changes(&["apply"]);
    let whole = shape(&recovery.inventory(&REGIONS));
    let removing = recovery.changes(&["destroy"]);

    proxy.behave(&lose_first_answers(&making));
    recovery.apply(&[]);
    recovery.assert_settled(&[]);
    assert_eq!(shape(&recovery.inventory(&REGIONS)), whole);
    proxy.behave(&lose_first_answers(&removing));
    recovery.destroy();
    assert_eq!(recovery.inventory(&REGIONS).found, []);
}
