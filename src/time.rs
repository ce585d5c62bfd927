//! Times as payctl writes them.

use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;
use std::time::{Duration, SystemTime};

/// Returns the present time as `2026-11-21T09:30:00Z`.
pub fn now() -> String {
    let now = DateTime::from(SystemTime::now());
    DateTime::from_secs(now.secs()).fmt(Format::DateTime).unwrap_or_default()
}

/// Returns a duration for people: `0.4 s`, `14.2 s`, `3 min 5 s`.
pub fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}
