//! The resource types, one file each: `ls` is the catalogue.

use crate::resource::{Kind, of};

mod dynamodb;
mod dynamodb_global_table;
mod dynamodb_global_table_properties;
mod dynamodb_replica;
mod dynamodb_settings;
mod dynamodb_steps;
mod dynamodb_table;
mod dynamodb_table_properties;
mod s3_bucket;
mod s3_bucket_calls;
mod s3_bucket_convert;
mod s3_bucket_empty;
mod s3_bucket_policy;
mod s3_bucket_properties;
mod s3_bucket_replication;
mod sqs_queue;

/// Every type that payctl knows, in the order of their names.
pub static KINDS: &[&dyn Kind] = &[
    &of::<dynamodb_global_table::GlobalTable>(),
    &of::<dynamodb_table::Table>(),
    &of::<s3_bucket::Bucket>(),
    &of::<s3_bucket_policy::BucketPolicy>(),
    &of::<sqs_queue::Queue>(),
];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.meta().type_name == type_name)
}
