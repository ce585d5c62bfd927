//! The resource types, one file each: `ls` is the catalogue. Files named after a
//! service alone hold what its types share.

use crate::resource::{Kind, of};

mod apigateway;
mod apigateway_account;
mod apigateway_base_path_mapping;
mod apigateway_deployment;
mod apigateway_domain_name;
mod apigateway_method;
mod apigateway_method_properties;
mod apigateway_resource;
mod apigateway_rest_api;
mod apigateway_stage;
mod apigateway_stage_properties;
mod cloudwatch_alarm;
mod cloudwatch_alarm_metrics;
mod cloudwatch_dashboard;
mod dynamodb;
mod dynamodb_global_table;
mod dynamodb_global_table_properties;
mod dynamodb_replica;
mod dynamodb_settings;
mod dynamodb_steps;
mod dynamodb_table;
mod dynamodb_table_properties;
mod ec2;
mod ec2_eip;
mod ec2_internet_gateway;
mod ec2_lingering;
mod ec2_nat_gateway;
mod ec2_route;
mod ec2_route_table;
mod ec2_security_group;
mod ec2_security_group_calls;
mod ec2_security_group_check;
mod ec2_security_group_egress;
mod ec2_security_group_ingress;
mod ec2_security_group_properties;
mod ec2_subnet;
mod ec2_subnet_route_table_association;
mod ec2_subnet_switches;
mod ec2_vpc;
mod ec2_vpc_endpoint;
mod ec2_vpc_endpoint_properties;
mod ec2_vpc_gateway_attachment;
mod events_event_bus;
mod events_event_bus_policy;
mod events_rule;
mod events_rule_target;
mod events_rule_target_sdk;
mod iam;
mod iam_managed_policy;
mod iam_role;
mod iam_role_policy;
mod kms;
mod kms_alias;
mod kms_key;
mod lambda;
mod lambda_alias;
mod lambda_event_invoke_config;
mod lambda_event_source_mapping;
mod lambda_event_source_mapping_properties;
mod lambda_function;
mod lambda_function_check;
mod lambda_function_properties;
mod lambda_function_state;
mod lambda_permission;
mod lambda_version;
mod logs_log_group;
mod logs_resource_policy;
mod route53;
mod route53_health_check;
mod route53_health_check_config;
mod route53_hosted_zone;
mod route53_record;
mod route53_record_calls;
mod route53_record_set;
mod route53_record_set_group;
mod s3_bucket;
mod s3_bucket_calls;
mod s3_bucket_convert;
mod s3_bucket_empty;
mod s3_bucket_policy;
mod s3_bucket_properties;
mod s3_bucket_replication;
mod secretsmanager_secret;
mod secretsmanager_secret_value;
mod sns_subscription;
mod sns_topic;
mod sns_topic_policy;
mod sqs_queue;
mod sqs_queue_policy;
mod ssm_parameter;
mod stepfunctions_state_machine;
mod stepfunctions_state_machine_properties;
mod wafv2_web_acl_association;

/// Every type that payctl knows, in the order of their names.
pub static KINDS: &[&dyn Kind] = &[
    &of::<apigateway_account::Account>(),
    &of::<apigateway_base_path_mapping::BasePathMapping>(),
    &of::<apigateway_deployment::Deployment>(),
    &of::<apigateway_domain_name::DomainName>(),
    &of::<apigateway_method::Method>(),
    &of::<apigateway_resource::PathResource>(),
    &of::<apigateway_rest_api::RestApi>(),
    &of::<apigateway_stage::Stage>(),
    &of::<cloudwatch_alarm::Alarm>(),
    &of::<cloudwatch_dashboard::Dashboard>(),
    &of::<dynamodb_global_table::GlobalTable>(),
    &of::<dynamodb_table::Table>(),
    &of::<ec2_eip::Eip>(),
    &of::<ec2_internet_gateway::InternetGateway>(),
    &of::<ec2_nat_gateway::NatGateway>(),
    &of::<ec2_route::Route>(),
    &of::<ec2_route_table::RouteTable>(),
    &of::<ec2_security_group::SecurityGroup>(),
    &of::<ec2_security_group_egress::SecurityGroupEgress>(),
    &of::<ec2_security_group_ingress::SecurityGroupIngress>(),
    &of::<ec2_subnet::Subnet>(),
    &of::<ec2_subnet_route_table_association::SubnetRouteTableAssociation>(),
    &of::<ec2_vpc::Vpc>(),
    &of::<ec2_vpc_endpoint::VpcEndpoint>(),
    &of::<ec2_vpc_gateway_attachment::VpcGatewayAttachment>(),
    &of::<events_event_bus::EventBus>(),
    &of::<events_event_bus_policy::EventBusPolicy>(),
    &of::<events_rule::Rule>(),
    &of::<iam_managed_policy::ManagedPolicy>(),
    &of::<iam_role::Role>(),
    &of::<iam_role_policy::RolePolicy>(),
    &of::<kms_alias::Alias>(),
    &of::<kms_key::Key>(),
    &of::<lambda_alias::Alias>(),
    &of::<lambda_event_invoke_config::EventInvokeConfig>(),
    &of::<lambda_event_source_mapping::EventSourceMapping>(),
    &of::<lambda_function::Function>(),
    &of::<lambda_permission::Permission>(),
    &of::<lambda_version::Version>(),
    &of::<logs_log_group::LogGroup>(),
    &of::<logs_resource_policy::ResourcePolicy>(),
    &of::<route53_health_check::HealthCheck>(),
    &of::<route53_hosted_zone::HostedZone>(),
    &of::<route53_record_set::RecordSet>(),
    &of::<route53_record_set_group::RecordSetGroup>(),
    &of::<s3_bucket::Bucket>(),
    &of::<s3_bucket_policy::BucketPolicy>(),
    &of::<sns_subscription::Subscription>(),
    &of::<sns_topic::Topic>(),
    &of::<sns_topic_policy::TopicPolicy>(),
    &of::<sqs_queue::Queue>(),
    &of::<sqs_queue_policy::QueuePolicy>(),
    &of::<ssm_parameter::Parameter>(),
    &of::<secretsmanager_secret::Secret>(),
    &of::<stepfunctions_state_machine::StateMachine>(),
    &of::<wafv2_web_acl_association::WebAclAssociation>(),
];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    known().find(|kind| kind.meta().type_name == type_name)
}

#[cfg(not(test))]
fn known() -> impl Iterator<Item = &'static dyn Kind> {
    KINDS.iter().copied()
}

/// The tests of plan and engine have types of their own.
#[cfg(test)]
fn known() -> impl Iterator<Item = &'static dyn Kind> {
    KINDS.iter().chain(crate::testing::KINDS).copied()
}
