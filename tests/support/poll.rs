//! Waiting for what others bring about.

use std::time::{Duration, Instant};

/// How long it may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(90);

/// Looks again and again until there is something to return.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(started.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
