//! The resource types, one file each: `ls` is the catalogue.

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
    &of::<sqs_queue::Queue>(),
];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.meta().type_name == type_name)
}
