//! Waiting for what happens elsewhere.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Returns once `is_so`; fails if that takes too long.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < DEADLINE, "still not so: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
