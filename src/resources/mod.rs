//! The resource types, one file each: `ls` is the catalogue.

use crate::resource::{Kind, of};

mod iam;
mod iam_managed_policy;
mod iam_role;
mod iam_role_policy;
mod kms;
mod kms_alias;
mod kms_key;
mod logs_log_group;
mod logs_resource_policy;
mod sqs_queue;

/// Every type that payctl knows, in the order of their names.
pub static KINDS: &[&dyn Kind] = &[
    &of::<iam_managed_policy::ManagedPolicy>(),
    &of::<iam_role::Role>(),
    &of::<iam_role_policy::RolePolicy>(),
    &of::<kms_alias::Alias>(),
    &of::<kms_key::Key>(),
    &of::<logs_log_group::LogGroup>(),
    &of::<logs_resource_policy::ResourcePolicy>(),
    &of::<sqs_queue::Queue>(),
];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.meta().type_name == type_name)
}
