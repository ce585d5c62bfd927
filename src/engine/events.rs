//! What the engine tells the world: the only way it speaks. The terminal, JSON
//! lines and logs are readers of this stream.

use crate::address::Address;
use crate::plan::Action;
use crate::resource::Failure;
use serde::Serialize;
use std::time::Duration;

/// Something that happened, in the order in which it did.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Work on a node begins.
    Started {
        /// The node.
        address: Address,
        /// What is done with it.
        action: Action,
    },
    /// AWS has named it.
    Created {
        /// The node.
        address: Address,
    },
    /// It waits.
    Waiting {
        /// The node.
        address: Address,
        /// For what.
        reason: String,
    },
    /// A call ended.
    Called {
        /// The node it was for.
        address: Address,
        /// `sqs:CreateQueue`.
        operation: String,
        /// Where.
        region: String,
        /// How long it took, in milliseconds.
        milliseconds: u64,
        /// Why it failed.
        #[serde(skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    /// Work on a node ended well.
    Finished {
        /// The node.
        address: Address,
        /// What was done with it.
        action: Action,
        /// How long it took, in milliseconds.
        milliseconds: u64,
    },
    /// Work on a node failed.
    Failed {
        /// The node.
        address: Address,
        /// What was tried.
        action: Action,
        /// Why.
        failure: Failure,
    },
    /// Work on a node did not begin.
    Skipped {
        /// The node.
        address: Address,
        /// What was planned.
        action: Action,
        /// Which node's failure, or the user's wish to stop.
        because: String,
    },
    /// The user asked to stop.
    Stopping,
}

/// Returns a duration in whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
