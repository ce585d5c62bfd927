//! The targets of an `AWS::Events::Rule` as the SDK has them, both ways.

use super::events_rule_target::{
    AppSyncParameters, AwsVpcConfiguration, BatchArrayProperties, BatchParameters,
    BatchRetryStrategy, CapacityProviderStrategyItem, DeadLetterConfig, EcsParameters,
    HttpParameters, InputTransformer, KinesisParameters, NetworkConfiguration, PlacementConstraint,
    PlacementStrategy, RedshiftDataParameters, RetryPolicy, RunCommandParameters, RunCommandTarget,
    SageMakerPipelineParameter, SageMakerPipelineParameters, SqsParameters, Target,
};
use crate::resource::{Json, Tag};
use aws_sdk_eventbridge::error::BuildError;
use aws_sdk_eventbridge::types;

impl TryFrom<&Target> for types::Target {
    type Error = BuildError;

    fn try_from(target: &Target) -> Result<Self, BuildError> {
        let input = target.input.as_ref().map(|input| input.0.to_string());
        let retry = target.retry_policy.as_ref().map(|policy| {
            types::RetryPolicy::builder()
                .set_maximum_event_age_in_seconds(policy.maximum_event_age_in_seconds)
                .set_maximum_retry_attempts(policy.maximum_retry_attempts)
                .build()
        });
        let dead_letters = target
            .dead_letter_config
            .as_ref()
            .map(|config| types::DeadLetterConfig::builder().set_arn(config.arn.clone()).build());
        let sqs = target.sqs_parameters.as_ref().map(|sqs| {
            types::SqsParameters::builder().message_group_id(&sqs.message_group_id).build()
        });
        let kinesis = target.kinesis_parameters.as_ref().map(|kinesis| {
            types::KinesisParameters::builder()
                .partition_key_path(&kinesis.partition_key_path)
                .build()
        });
        let app_sync = target.app_sync_parameters.as_ref().map(|app_sync| {
            types::AppSyncParameters::builder()
                .graph_ql_operation(&app_sync.graph_ql_operation)
                .build()
        });
        let transformer = target.input_transformer.as_ref().map(TryInto::try_into).transpose()?;
        let redshift = target.redshift_data_parameters.as_ref().map(TryInto::try_into);
        let run_command = target.run_command_parameters.as_ref().map(TryInto::try_into);
        let pipeline = target.sage_maker_pipeline_parameters.as_ref().map(TryInto::try_into);
        Self::builder()
            .id(&target.id)
            .arn(&target.arn)
            .set_role_arn(target.role_arn.clone())
            .set_input(input)
            .set_input_path(target.input_path.clone())
            .set_input_transformer(transformer)
            .set_retry_policy(retry)
            .set_dead_letter_config(dead_letters)
            .set_sqs_parameters(sqs)
            .set_kinesis_parameters(kinesis.transpose()?)
            .set_http_parameters(target.http_parameters.as_ref().map(Into::into))
            .set_ecs_parameters(target.ecs_parameters.as_ref().map(TryInto::try_into).transpose()?)
            .set_batch_parameters(
                target.batch_parameters.as_ref().map(TryInto::try_into).transpose()?,
            )
            .set_app_sync_parameters(app_sync)
            .set_redshift_data_parameters(redshift.transpose()?)
            .set_run_command_parameters(run_command.transpose()?)
            .set_sage_maker_pipeline_parameters(pipeline.transpose()?)
            .build()
    }
}

impl From<types::Target> for Target {
    fn from(target: types::Target) -> Self {
        Self {
            id: target.id,
            arn: target.arn,
            role_arn: target.role_arn,
            input: target.input.map(|text| Json::parse(&text)),
            input_path: target.input_path,
            input_transformer: target.input_transformer.map(|transformer| InputTransformer {
                input_paths_map: transformer.input_paths_map.map(|map| map.into_iter().collect()),
                input_template: transformer.input_template,
            }),
            retry_policy: target.retry_policy.map(|policy| RetryPolicy {
                maximum_event_age_in_seconds: policy.maximum_event_age_in_seconds,
                maximum_retry_attempts: policy.maximum_retry_attempts,
            }),
            dead_letter_config: target
                .dead_letter_config
                .map(|config| DeadLetterConfig { arn: config.arn }),
            sqs_parameters: target.sqs_parameters.map(|sqs| SqsParameters {
                message_group_id: sqs.message_group_id.unwrap_or_default(),
            }),
            kinesis_parameters: target
                .kinesis_parameters
                .map(|it| KinesisParameters { partition_key_path: it.partition_key_path }),
            http_parameters: target.http_parameters.map(Into::into),
            ecs_parameters: target.ecs_parameters.map(Into::into),
            batch_parameters: target.batch_parameters.map(Into::into),
            app_sync_parameters: target.app_sync_parameters.map(|it| AppSyncParameters {
                graph_ql_operation: it.graph_ql_operation.unwrap_or_default(),
            }),
            redshift_data_parameters: target.redshift_data_parameters.map(Into::into),
            run_command_parameters: target.run_command_parameters.map(Into::into),
            sage_maker_pipeline_parameters: target.sage_maker_pipeline_parameters.map(Into::into),
        }
    }
}

impl TryFrom<&InputTransformer> for types::InputTransformer {
    type Error = BuildError;

    fn try_from(transformer: &InputTransformer) -> Result<Self, BuildError> {
        let paths = transformer.input_paths_map.clone();
        Self::builder()
            .set_input_paths_map(paths.map(|map| map.into_iter().collect()))
            .input_template(&transformer.input_template)
            .build()
    }
}

impl From<&HttpParameters> for types::HttpParameters {
    fn from(http: &HttpParameters) -> Self {
        let headers = http.header_parameters.clone();
        let query = http.query_string_parameters.clone();
        Self::builder()
            .set_path_parameter_values(http.path_parameter_values.clone())
            .set_header_parameters(headers.map(|map| map.into_iter().collect()))
            .set_query_string_parameters(query.map(|map| map.into_iter().collect()))
            .build()
    }
}

impl From<types::HttpParameters> for HttpParameters {
    fn from(http: types::HttpParameters) -> Self {
        Self {
            path_parameter_values: http.path_parameter_values,
            header_parameters: http.header_parameters.map(|map| map.into_iter().collect()),
            query_string_parameters: http
                .query_string_parameters
                .map(|map| map.into_iter().collect()),
        }
    }
}

impl TryFrom<&EcsParameters> for types::EcsParameters {
    type Error = BuildError;

    fn try_from(ecs: &EcsParameters) -> Result<Self, BuildError> {
        let network = ecs.network_configuration.as_ref().map(TryInto::try_into).transpose()?;
        let tags = ecs.tag_list.as_ref().map(|tags| {
            let tag = |tag: &Tag| types::Tag::builder().key(&tag.key).value(&tag.value).build();
            tags.iter().map(tag).collect::<Result<_, _>>()
        });
        let providers = ecs.capacity_provider_strategy.as_ref().map(|items| {
            items
                .iter()
                .map(types::CapacityProviderStrategyItem::try_from)
                .collect::<Result<_, _>>()
        });
        let constraints = ecs.placement_constraints.as_ref();
        let strategies = ecs.placement_strategies.as_ref();
        Self::builder()
            .task_definition_arn(&ecs.task_definition_arn)
            .set_task_count(ecs.task_count)
            .set_launch_type(ecs.launch_type.as_deref().map(Into::into))
            .set_capacity_provider_strategy(providers.transpose()?)
            .set_network_configuration(network)
            .set_platform_version(ecs.platform_version.clone())
            .set_group(ecs.group.clone())
            .set_enable_ecs_managed_tags(ecs.enable_ecs_managed_tags)
            .set_enable_execute_command(ecs.enable_execute_command)
            .set_propagate_tags(ecs.propagate_tags.as_deref().map(Into::into))
            .set_reference_id(ecs.reference_id.clone())
            .set_placement_constraints(constraints.map(|all| all.iter().map(Into::into).collect()))
            .set_placement_strategy(strategies.map(|all| all.iter().map(Into::into).collect()))
            .set_tags(tags.transpose()?)
            .build()
    }
}

impl From<types::EcsParameters> for EcsParameters {
    fn from(ecs: types::EcsParameters) -> Self {
        let tag = |tag: types::Tag| Tag { key: tag.key, value: tag.value };
        Self {
            task_definition_arn: ecs.task_definition_arn,
            task_count: ecs.task_count,
            launch_type: ecs.launch_type.map(|it| it.as_str().to_owned()),
            capacity_provider_strategy: ecs.capacity_provider_strategy.map(|items| {
                let item =
                    |item: types::CapacityProviderStrategyItem| CapacityProviderStrategyItem {
                        capacity_provider: item.capacity_provider,
                        weight: Some(item.weight),
                        base: Some(item.base),
                    };
                items.into_iter().map(item).collect()
            }),
            network_configuration: ecs.network_configuration.map(Into::into),
            platform_version: ecs.platform_version,
            group: ecs.group,
            enable_ecs_managed_tags: Some(ecs.enable_ecs_managed_tags),
            enable_execute_command: Some(ecs.enable_execute_command),
            propagate_tags: ecs.propagate_tags.map(|it| it.as_str().to_owned()),
            reference_id: ecs.reference_id,
            placement_constraints: ecs
                .placement_constraints
                .map(|all| all.into_iter().map(Into::into).collect()),
            placement_strategies: ecs
                .placement_strategy
                .map(|all| all.into_iter().map(Into::into).collect()),
            tag_list: ecs.tags.map(|tags| tags.into_iter().map(tag).collect()),
        }
    }
}

impl TryFrom<&CapacityProviderStrategyItem> for types::CapacityProviderStrategyItem {
    type Error = BuildError;

    fn try_from(item: &CapacityProviderStrategyItem) -> Result<Self, BuildError> {
        Self::builder()
            .capacity_provider(&item.capacity_provider)
            .set_weight(item.weight)
            .set_base(item.base)
            .build()
    }
}

impl TryFrom<&NetworkConfiguration> for types::NetworkConfiguration {
    type Error = BuildError;

    fn try_from(network: &NetworkConfiguration) -> Result<Self, BuildError> {
        let vpc = network.aws_vpc_configuration.as_ref().map(|vpc| {
            types::AwsVpcConfiguration::builder()
                .set_subnets(Some(vpc.subnets.clone()))
                .set_security_groups(vpc.security_groups.clone())
                .set_assign_public_ip(vpc.assign_public_ip.as_deref().map(Into::into))
                .build()
        });
        Ok(Self::builder().set_awsvpc_configuration(vpc.transpose()?).build())
    }
}

impl From<types::NetworkConfiguration> for NetworkConfiguration {
    fn from(network: types::NetworkConfiguration) -> Self {
        let aws_vpc_configuration = network.awsvpc_configuration.map(|vpc| AwsVpcConfiguration {
            subnets: vpc.subnets,
            security_groups: vpc.security_groups,
            assign_public_ip: vpc.assign_public_ip.map(|it| it.as_str().to_owned()),
        });
        Self { aws_vpc_configuration }
    }
}

impl From<&PlacementConstraint> for types::PlacementConstraint {
    fn from(constraint: &PlacementConstraint) -> Self {
        Self::builder()
            .set_type(constraint.r#type.as_deref().map(Into::into))
            .set_expression(constraint.expression.clone())
            .build()
    }
}

impl From<types::PlacementConstraint> for PlacementConstraint {
    fn from(constraint: types::PlacementConstraint) -> Self {
        let r#type = constraint.r#type.map(|it| it.as_str().to_owned());
        Self { r#type, expression: constraint.expression }
    }
}

impl From<&PlacementStrategy> for types::PlacementStrategy {
    fn from(strategy: &PlacementStrategy) -> Self {
        Self::builder()
            .set_type(strategy.r#type.as_deref().map(Into::into))
            .set_field(strategy.field.clone())
            .build()
    }
}

impl From<types::PlacementStrategy> for PlacementStrategy {
    fn from(strategy: types::PlacementStrategy) -> Self {
        let r#type = strategy.r#type.map(|it| it.as_str().to_owned());
        Self { r#type, field: strategy.field }
    }
}

impl TryFrom<&BatchParameters> for types::BatchParameters {
    type Error = BuildError;

    fn try_from(batch: &BatchParameters) -> Result<Self, BuildError> {
        let array = batch.array_properties.as_ref();
        let retry = batch.retry_strategy.as_ref();
        Self::builder()
            .job_definition(&batch.job_definition)
            .job_name(&batch.job_name)
            .set_array_properties(
                array.map(|array| {
                    types::BatchArrayProperties::builder().set_size(array.size).build()
                }),
            )
            .set_retry_strategy(retry.map(|retry| {
                types::BatchRetryStrategy::builder().set_attempts(retry.attempts).build()
            }))
            .build()
    }
}

impl From<types::BatchParameters> for BatchParameters {
    fn from(batch: types::BatchParameters) -> Self {
        Self {
            job_definition: batch.job_definition,
            job_name: batch.job_name,
            array_properties: batch
                .array_properties
                .map(|array| BatchArrayProperties { size: Some(array.size) }),
            retry_strategy: batch
                .retry_strategy
                .map(|retry| BatchRetryStrategy { attempts: Some(retry.attempts) }),
        }
    }
}

impl TryFrom<&RedshiftDataParameters> for types::RedshiftDataParameters {
    type Error = BuildError;

    fn try_from(redshift: &RedshiftDataParameters) -> Result<Self, BuildError> {
        Self::builder()
            .database(&redshift.database)
            .set_db_user(redshift.db_user.clone())
            .set_secret_manager_arn(redshift.secret_manager_arn.clone())
            .set_sql(redshift.sql.clone())
            .set_sqls(redshift.sqls.clone())
            .set_statement_name(redshift.statement_name.clone())
            .set_with_event(redshift.with_event)
            .build()
    }
}

impl From<types::RedshiftDataParameters> for RedshiftDataParameters {
    fn from(redshift: types::RedshiftDataParameters) -> Self {
        Self {
            database: redshift.database,
            db_user: redshift.db_user,
            secret_manager_arn: redshift.secret_manager_arn,
            sql: redshift.sql,
            sqls: redshift.sqls,
            statement_name: redshift.statement_name,
            with_event: Some(redshift.with_event),
        }
    }
}

impl TryFrom<&RunCommandParameters> for types::RunCommandParameters {
    type Error = BuildError;

    fn try_from(command: &RunCommandParameters) -> Result<Self, BuildError> {
        let target = |target: &RunCommandTarget| {
            types::RunCommandTarget::builder()
                .key(&target.key)
                .set_values(Some(target.values.clone()))
                .build()
        };
        let targets = command.run_command_targets.iter().map(target).collect::<Result<_, _>>()?;
        Self::builder().set_run_command_targets(Some(targets)).build()
    }
}

impl From<types::RunCommandParameters> for RunCommandParameters {
    fn from(command: types::RunCommandParameters) -> Self {
        let target = |target: types::RunCommandTarget| RunCommandTarget {
            key: target.key,
            values: target.values,
        };
        Self { run_command_targets: command.run_command_targets.into_iter().map(target).collect() }
    }
}

impl TryFrom<&SageMakerPipelineParameters> for types::SageMakerPipelineParameters {
    type Error = BuildError;

    fn try_from(pipeline: &SageMakerPipelineParameters) -> Result<Self, BuildError> {
        let parameter = |one: &SageMakerPipelineParameter| {
            types::SageMakerPipelineParameter::builder().name(&one.name).value(&one.value).build()
        };
        let list = pipeline.pipeline_parameter_list.as_ref();
        let list = list.map(|list| list.iter().map(parameter).collect::<Result<_, _>>());
        Ok(Self::builder().set_pipeline_parameter_list(list.transpose()?).build())
    }
}

impl From<types::SageMakerPipelineParameters> for SageMakerPipelineParameters {
    fn from(pipeline: types::SageMakerPipelineParameters) -> Self {
        let parameter = |one: types::SageMakerPipelineParameter| SageMakerPipelineParameter {
            name: one.name,
            value: one.value,
        };
        let list = pipeline.pipeline_parameter_list;
        Self { pipeline_parameter_list: list.map(|l| l.into_iter().map(parameter).collect()) }
    }
}
