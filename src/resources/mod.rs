//! The resource types, one file each: `ls` is the catalogue.

use crate::resource::{Kind, of};

mod sqs_queue;
mod sqs_queue_policy;

/// Every type that payctl knows, in the order of their names.
pub static KINDS: &[&dyn Kind] =
    &[&of::<sqs_queue::Queue>(), &of::<sqs_queue_policy::QueuePolicy>()];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.meta().type_name == type_name)
}
