//! The resource types, one file each: `ls` is the catalogue.

use crate::resource::{Kind, of};

mod lambda;
mod lambda_event_source_mapping;
mod lambda_event_source_mapping_properties;
mod lambda_function;
mod lambda_function_check;
mod lambda_function_properties;
mod lambda_function_state;
mod lambda_permission;
mod sqs_queue;
mod stepfunctions_state_machine;
mod stepfunctions_state_machine_properties;

/// Every type that payctl knows, in the order of their names.
pub static KINDS: &[&dyn Kind] = &[
    &of::<lambda_event_source_mapping::EventSourceMapping>(),
    &of::<lambda_function::Function>(),
    &of::<lambda_permission::Permission>(),
    &of::<sqs_queue::Queue>(),
    &of::<stepfunctions_state_machine::StateMachine>(),
];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.meta().type_name == type_name)
}
