//! The resource types, one file each: `ls` is the catalogue. Files named after a
//! service alone hold what its types share.

use crate::resource::{Kind, of};

mod apigateway;
mod apigateway_base_path_mapping;
mod apigateway_deployment;
mod apigateway_domain_name;
mod apigateway_method;
mod apigateway_method_properties;
mod apigateway_resource;
mod apigateway_rest_api;
mod apigateway_stage;
mod apigateway_stage_properties;
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
    &of::<apigateway_base_path_mapping::BasePathMapping>(),
    &of::<apigateway_deployment::Deployment>(),
    &of::<apigateway_domain_name::DomainName>(),
    &of::<apigateway_method::Method>(),
    &of::<apigateway_resource::PathResource>(),
    &of::<apigateway_rest_api::RestApi>(),
    &of::<apigateway_stage::Stage>(),
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
