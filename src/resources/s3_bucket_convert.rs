//! The properties of a bucket as S3 takes and returns them.

use super::s3_bucket_properties as p;
use crate::resource::{Failure, Result, Set, Tag};
use aws_sdk_s3::operation::get_bucket_lifecycle_configuration::GetBucketLifecycleConfigurationOutput;
use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::operation::get_bucket_website::GetBucketWebsiteOutput;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use aws_sdk_s3::types as sdk;

/// Returns a tag as S3 takes it.
pub(super) fn tag(tag: &Tag) -> Result<sdk::Tag> {
    Ok(sdk::Tag::builder().key(&tag.key).value(&tag.value).build()?)
}

fn of_tag(tag: &sdk::Tag) -> Tag {
    Tag { key: tag.key.clone(), value: tag.value.clone() }
}

fn each<A, B>(items: &[A], to: impl Fn(&A) -> Result<B>) -> Result<Vec<B>> {
    items.iter().map(to).collect()
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    Some(items).filter(|items| !items.is_empty())
}

pub(super) fn encryption(
    from: &p::BucketEncryption,
) -> Result<sdk::ServerSideEncryptionConfiguration> {
    let rules = each(&from.server_side_encryption_configuration, |rule| {
        let default = rule.server_side_encryption_by_default.as_ref().map(|default| {
            sdk::ServerSideEncryptionByDefault::builder()
                .sse_algorithm(default.sse_algorithm.as_str().into())
                .set_kms_master_key_id(default.kms_master_key_id.clone())
                .build()
        });
        let blocked = rule.blocked_encryption_types.as_ref().map(|blocked| {
            let types = blocked.encryption_type.iter().flatten().map(|t| t.as_str().into());
            sdk::BlockedEncryptionTypes::builder()
                .set_encryption_type(Some(types.collect()))
                .build()
        });
        Ok(sdk::ServerSideEncryptionRule::builder()
            .set_apply_server_side_encryption_by_default(default.transpose()?)
            .set_bucket_key_enabled(rule.bucket_key_enabled)
            .set_blocked_encryption_types(blocked)
            .build())
    })?;
    Ok(sdk::ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build()?)
}

pub(super) fn of_encryption(from: &sdk::ServerSideEncryptionConfiguration) -> p::BucketEncryption {
    let rule = |rule: &sdk::ServerSideEncryptionRule| p::EncryptionRule {
        bucket_key_enabled: rule.bucket_key_enabled,
        server_side_encryption_by_default: rule.apply_server_side_encryption_by_default().map(
            |default| p::EncryptionDefault {
                sse_algorithm: default.sse_algorithm.as_str().to_owned(),
                kms_master_key_id: default.kms_master_key_id.clone(),
            },
        ),
        blocked_encryption_types: rule.blocked_encryption_types().map(|blocked| {
            let types = blocked.encryption_type().iter().map(|t| t.as_str().to_owned());
            p::BlockedEncryption { encryption_type: some(types.collect()) }
        }),
    };
    p::BucketEncryption {
        server_side_encryption_configuration: from.rules().iter().map(rule).collect(),
    }
}

pub(super) fn lifecycle(from: &p::Lifecycle) -> Result<sdk::BucketLifecycleConfiguration> {
    let rules = each(&from.rules, lifecycle_rule)?;
    Ok(sdk::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()?)
}

fn lifecycle_rule(from: &p::LifecycleRule) -> Result<sdk::LifecycleRule> {
    let transitions = from.transitions.iter().flatten();
    let transitions = transitions.chain(from.transition.as_ref().map(|only| &only.0));
    let old = from.noncurrent_version_transitions.iter().flatten();
    let old = old.chain(from.noncurrent_version_transition.as_ref().map(|only| &only.0));
    let abort = from.abort_incomplete_multipart_upload.as_ref().map(|abort| {
        sdk::AbortIncompleteMultipartUpload::builder()
            .days_after_initiation(abort.days_after_initiation)
            .build()
    });
    Ok(sdk::LifecycleRule::builder()
        .set_id(from.id.clone())
        .status(from.status.as_str().into())
        .filter(lifecycle_filter(from)?)
        .set_expiration(expiration(from)?)
        .set_transitions(some(transitions.map(transition).collect::<Result<_>>()?))
        .set_noncurrent_version_expiration(noncurrent_expiration(from))
        .set_noncurrent_version_transitions(some(old.map(noncurrent_transition).collect()))
        .set_abort_incomplete_multipart_upload(abort)
        .build()?)
}

/// Several conditions go into an `And`, one stands alone.
fn lifecycle_filter(from: &p::LifecycleRule) -> Result<sdk::LifecycleRuleFilter> {
    let size = |text: &Option<String>| -> Result<Option<i64>> {
        let parsed = text.as_deref().map(str::parse).transpose();
        parsed.map_err(|_| Failure::refused("the size of an object is a number of bytes"))
    };
    let more = size(&from.object_size_greater_than)?;
    let less = size(&from.object_size_less_than)?;
    let tags = each(from.tag_filters.as_deref().unwrap_or_default(), tag)?;
    let single = [from.prefix.is_some(), more.is_some(), less.is_some()];
    let conditions = single.iter().filter(|set| **set).count() + tags.len();
    let filter = sdk::LifecycleRuleFilter::builder();
    if conditions > 1 {
        let and = sdk::LifecycleRuleAndOperator::builder()
            .set_prefix(from.prefix.clone())
            .set_tags(some(tags))
            .set_object_size_greater_than(more)
            .set_object_size_less_than(less)
            .build();
        return Ok(filter.and(and).build());
    }
    // A filter for everything is an empty prefix.
    let everything = (conditions == 0).then(String::new);
    Ok(filter
        .set_prefix(from.prefix.clone().or(everything))
        .set_tag(tags.into_iter().next())
        .set_object_size_greater_than(more)
        .set_object_size_less_than(less)
        .build())
}

fn expiration(from: &p::LifecycleRule) -> Result<Option<sdk::LifecycleExpiration>> {
    let date = from.expiration_date.as_deref().map(time).transpose()?;
    let (days, marker) = (from.expiration_in_days, from.expired_object_delete_marker);
    let is_set = date.is_some() || days.is_some() || marker.is_some();
    Ok(is_set.then(|| {
        sdk::LifecycleExpiration::builder()
            .set_date(date)
            .set_days(days)
            .set_expired_object_delete_marker(marker)
            .build()
    }))
}

fn noncurrent_expiration(from: &p::LifecycleRule) -> Option<sdk::NoncurrentVersionExpiration> {
    let set = from.noncurrent_version_expiration.as_ref();
    let days = set.map(|set| set.noncurrent_days);
    let days = days.or(from.noncurrent_version_expiration_in_days.as_ref().map(|days| days.0))?;
    Some(
        sdk::NoncurrentVersionExpiration::builder()
            .noncurrent_days(days)
            .set_newer_noncurrent_versions(set.and_then(|set| set.newer_noncurrent_versions))
            .build(),
    )
}

/// CloudFormation has an old spelling of one class.
fn class(name: &str) -> sdk::TransitionStorageClass {
    if name == "Glacier" { sdk::TransitionStorageClass::Glacier } else { name.into() }
}

fn transition(from: &p::Transition) -> Result<sdk::Transition> {
    Ok(sdk::Transition::builder()
        .storage_class(class(&from.storage_class))
        .set_date(from.transition_date.as_deref().map(time).transpose()?)
        .set_days(from.transition_in_days)
        .build())
}

fn noncurrent_transition(from: &p::NoncurrentTransition) -> sdk::NoncurrentVersionTransition {
    sdk::NoncurrentVersionTransition::builder()
        .storage_class(class(&from.storage_class))
        .noncurrent_days(from.transition_in_days)
        .set_newer_noncurrent_versions(from.newer_noncurrent_versions)
        .build()
}

fn time(text: &str) -> Result<DateTime> {
    DateTime::from_str(text, DateTimeFormat::DateTime)
        .map_err(|_| Failure::refused(format!("{text} is no date: write 2030-01-31T00:00:00Z")))
}

fn of_time(time: &DateTime) -> Option<String> {
    time.fmt(DateTimeFormat::DateTime).ok()
}

pub(super) fn of_lifecycle(from: &GetBucketLifecycleConfigurationOutput) -> Option<p::Lifecycle> {
    let rules = some(from.rules().iter().map(of_lifecycle_rule).collect())?;
    let smallest = from.transition_default_minimum_object_size();
    Some(p::Lifecycle {
        rules,
        transition_default_minimum_object_size: smallest.map(|size| size.as_str().to_owned()),
    })
}

fn of_lifecycle_rule(from: &sdk::LifecycleRule) -> p::LifecycleRule {
    let filter = from.filter();
    let and = filter.and_then(|filter| filter.and());
    let one = |f: &sdk::LifecycleRuleFilter| f.tag().map(of_tag);
    let tags: Vec<Tag> = and.map_or_else(
        || filter.and_then(one).into_iter().collect(),
        |and| and.tags().iter().map(of_tag).collect(),
    );
    let prefix = and.and_then(|a| a.prefix()).or(filter.and_then(|f| f.prefix()));
    let more = and
        .and_then(|a| a.object_size_greater_than)
        .or(filter.and_then(|f| f.object_size_greater_than));
    let less =
        and.and_then(|a| a.object_size_less_than).or(filter.and_then(|f| f.object_size_less_than));
    let expiration = from.expiration();
    let moves = from.transitions().iter().map(|t| p::Transition {
        storage_class: t.storage_class().map(|class| class.as_str().to_owned()).unwrap_or_default(),
        transition_date: t.date().and_then(of_time),
        transition_in_days: t.days,
    });
    let old = from.noncurrent_version_transitions().iter().map(|t| p::NoncurrentTransition {
        storage_class: t.storage_class().map(|class| class.as_str().to_owned()).unwrap_or_default(),
        transition_in_days: t.noncurrent_days.unwrap_or_default(),
        newer_noncurrent_versions: t.newer_noncurrent_versions,
    });
    let abort = from.abort_incomplete_multipart_upload();
    p::LifecycleRule {
        id: from.id.clone(),
        status: from.status.as_str().to_owned(),
        prefix: prefix.map(str::to_owned),
        tag_filters: some(tags),
        object_size_greater_than: more.map(|size| size.to_string()),
        object_size_less_than: less.map(|size| size.to_string()),
        expiration_in_days: expiration.and_then(|e| e.days),
        expiration_date: expiration.and_then(|e| e.date()).and_then(of_time),
        expired_object_delete_marker: expiration.and_then(|e| e.expired_object_delete_marker),
        transitions: some(moves.collect()),
        transition: None,
        noncurrent_version_expiration: from.noncurrent_version_expiration().map(|e| {
            p::NoncurrentExpiration {
                noncurrent_days: e.noncurrent_days.unwrap_or_default(),
                newer_noncurrent_versions: e.newer_noncurrent_versions,
            }
        }),
        noncurrent_version_expiration_in_days: None,
        noncurrent_version_transitions: some(old.collect()),
        noncurrent_version_transition: None,
        abort_incomplete_multipart_upload: abort
            .and_then(|abort| abort.days_after_initiation)
            .map(|days_after_initiation| p::AbortUploads { days_after_initiation }),
    }
}

pub(super) fn cors(from: &p::Cors) -> Result<sdk::CorsConfiguration> {
    let rules = each(&from.cors_rules, |rule| {
        Ok(sdk::CorsRule::builder()
            .set_id(rule.id.clone())
            .set_allowed_headers(rule.allowed_headers.clone())
            .set_allowed_methods(Some(rule.allowed_methods.clone()))
            .set_allowed_origins(Some(rule.allowed_origins.clone()))
            .set_expose_headers(rule.exposed_headers.clone())
            .set_max_age_seconds(rule.max_age)
            .build()?)
    })?;
    Ok(sdk::CorsConfiguration::builder().set_cors_rules(Some(rules)).build()?)
}

pub(super) fn of_cors(from: &[sdk::CorsRule]) -> p::Cors {
    let rule = |rule: &sdk::CorsRule| p::CorsRule {
        id: rule.id.clone(),
        allowed_headers: rule.allowed_headers.clone(),
        allowed_methods: rule.allowed_methods.clone(),
        allowed_origins: rule.allowed_origins.clone(),
        exposed_headers: rule.expose_headers.clone(),
        max_age: rule.max_age_seconds,
    };
    p::Cors { cors_rules: from.iter().map(rule).collect() }
}

pub(super) fn logging(from: &p::Logging, own_name: &str) -> Result<sdk::LoggingEnabled> {
    let format = from.target_object_key_format.as_ref().map(|format| {
        let partitioned = format.partitioned_prefix.as_ref().map(|prefix| {
            let source = prefix.partition_date_source.as_deref().map(Into::into);
            sdk::PartitionedPrefix::builder().set_partition_date_source(source).build()
        });
        let simple = format.simple_prefix.as_ref().map(|_| sdk::SimplePrefix::builder().build());
        sdk::TargetObjectKeyFormat::builder()
            .set_simple_prefix(simple)
            .set_partitioned_prefix(partitioned)
            .build()
    });
    Ok(sdk::LoggingEnabled::builder()
        .target_bucket(from.destination_bucket_name.as_deref().unwrap_or(own_name))
        .target_prefix(from.log_file_prefix.as_deref().unwrap_or_default())
        .set_target_object_key_format(format)
        .build()?)
}

pub(super) fn of_logging(from: &sdk::LoggingEnabled) -> p::Logging {
    p::Logging {
        destination_bucket_name: Some(from.target_bucket.clone()),
        log_file_prefix: Some(from.target_prefix.clone()).filter(|prefix| !prefix.is_empty()),
        target_object_key_format: from.target_object_key_format().map(|format| p::LogKeyFormat {
            simple_prefix: format.simple_prefix().map(|_| p::SimplePrefix {}),
            partitioned_prefix: format.partitioned_prefix().map(|prefix| p::PartitionedPrefix {
                partition_date_source: prefix
                    .partition_date_source()
                    .map(|source| source.as_str().to_owned()),
            }),
        }),
    }
}

pub(super) fn notification(from: &p::Notification) -> Result<sdk::NotificationConfiguration> {
    let bridge =
        from.event_bridge_configuration.as_ref().filter(|bridge| bridge.event_bridge_enabled);
    let functions = from.lambda_configurations.iter().flat_map(|all| all.iter()).map(|to| {
        Ok(sdk::LambdaFunctionConfiguration::builder()
            .lambda_function_arn(&to.function)
            .events(to.event.as_str().into())
            .set_filter(key_filter(to.filter.as_ref()))
            .build()?)
    });
    let queues = from.queue_configurations.iter().flat_map(|all| all.iter()).map(|to| {
        Ok(sdk::QueueConfiguration::builder()
            .queue_arn(&to.queue)
            .events(to.event.as_str().into())
            .set_filter(key_filter(to.filter.as_ref()))
            .build()?)
    });
    let topics = from.topic_configurations.iter().flat_map(|all| all.iter()).map(|to| {
        Ok(sdk::TopicConfiguration::builder()
            .topic_arn(&to.topic)
            .events(to.event.as_str().into())
            .set_filter(key_filter(to.filter.as_ref()))
            .build()?)
    });
    Ok(sdk::NotificationConfiguration::builder()
        .set_event_bridge_configuration(
            bridge.map(|_| sdk::EventBridgeConfiguration::builder().build()),
        )
        .set_lambda_function_configurations(some(functions.collect::<Result<_>>()?))
        .set_queue_configurations(some(queues.collect::<Result<_>>()?))
        .set_topic_configurations(some(topics.collect::<Result<_>>()?))
        .build())
}

fn key_filter(from: Option<&p::KeyFilter>) -> Option<sdk::NotificationConfigurationFilter> {
    let rules = from?.s3_key.rules.iter().map(|rule| {
        sdk::FilterRule::builder().name(rule.name.as_str().into()).value(&rule.value).build()
    });
    let key = sdk::S3KeyFilter::builder().set_filter_rules(Some(rules.collect())).build();
    Some(sdk::NotificationConfigurationFilter::builder().key(key).build())
}

/// S3 returns the names of rules with a capital letter.
fn of_key_filter(from: Option<&sdk::NotificationConfigurationFilter>) -> Option<p::KeyFilter> {
    let rules = from?.key()?.filter_rules().iter().map(|rule| p::KeyRule {
        name: rule.name().map(|name| name.as_str().to_lowercase()).unwrap_or_default(),
        value: rule.value().unwrap_or_default().to_owned(),
    });
    let rules: Set<p::KeyRule> = rules.collect();
    (!rules.is_empty()).then_some(p::KeyFilter { s3_key: p::KeyRules { rules } })
}

/// S3 has a list of events with each target, CloudFormation one event.
pub(super) fn of_notification(
    from: &GetBucketNotificationConfigurationOutput,
) -> Option<p::Notification> {
    let mut functions = Vec::new();
    for to in from.lambda_function_configurations() {
        functions.extend(to.events().iter().map(|event| p::NotifyFunction {
            event: event.as_str().to_owned(),
            filter: of_key_filter(to.filter()),
            function: to.lambda_function_arn.clone(),
        }));
    }
    let mut queues = Vec::new();
    for to in from.queue_configurations() {
        queues.extend(to.events().iter().map(|event| p::NotifyQueue {
            event: event.as_str().to_owned(),
            filter: of_key_filter(to.filter()),
            queue: to.queue_arn.clone(),
        }));
    }
    let mut topics = Vec::new();
    for to in from.topic_configurations() {
        topics.extend(to.events().iter().map(|event| p::NotifyTopic {
            event: event.as_str().to_owned(),
            filter: of_key_filter(to.filter()),
            topic: to.topic_arn.clone(),
        }));
    }
    let bridge = from.event_bridge_configuration().is_some();
    let nobody = !bridge && functions.is_empty() && queues.is_empty() && topics.is_empty();
    (!nobody).then(|| p::Notification {
        event_bridge_configuration: Some(p::EventBridge { event_bridge_enabled: bridge }),
        lambda_configurations: some(functions).map(Set),
        queue_configurations: some(queues).map(Set),
        topic_configurations: some(topics).map(Set),
    })
}

pub(super) fn website(from: &p::Website) -> Result<sdk::WebsiteConfiguration> {
    let index = from.index_document.as_ref();
    let index = index.map(|suffix| sdk::IndexDocument::builder().suffix(suffix).build());
    let error = from.error_document.as_ref();
    let error = error.map(|key| sdk::ErrorDocument::builder().key(key).build());
    let all = from.redirect_all_requests_to.as_ref().map(|to| {
        sdk::RedirectAllRequestsTo::builder()
            .host_name(&to.host_name)
            .set_protocol(to.protocol.as_deref().map(Into::into))
            .build()
    });
    let rules = from.routing_rules.iter().flatten().map(routing_rule).collect();
    Ok(sdk::WebsiteConfiguration::builder()
        .set_index_document(index.transpose()?)
        .set_error_document(error.transpose()?)
        .set_redirect_all_requests_to(all.transpose()?)
        .set_routing_rules(some(rules))
        .build())
}

fn routing_rule(from: &p::RoutingRule) -> sdk::RoutingRule {
    let to = &from.redirect_rule;
    let condition = from.routing_rule_condition.as_ref().map(|condition| {
        sdk::Condition::builder()
            .set_http_error_code_returned_equals(condition.http_error_code_returned_equals.clone())
            .set_key_prefix_equals(condition.key_prefix_equals.clone())
            .build()
    });
    let redirect = sdk::Redirect::builder()
        .set_host_name(to.host_name.clone())
        .set_http_redirect_code(to.http_redirect_code.clone())
        .set_protocol(to.protocol.as_deref().map(Into::into))
        .set_replace_key_prefix_with(to.replace_key_prefix_with.clone())
        .set_replace_key_with(to.replace_key_with.clone())
        .build();
    sdk::RoutingRule::builder().set_condition(condition).redirect(redirect).build()
}

pub(super) fn of_website(from: &GetBucketWebsiteOutput) -> p::Website {
    let protocol = |protocol: Option<&sdk::Protocol>| protocol.map(|p| p.as_str().to_owned());
    let rules = from.routing_rules().iter().map(|rule| p::RoutingRule {
        redirect_rule: p::RedirectRule {
            host_name: rule.redirect().and_then(|to| to.host_name.clone()),
            http_redirect_code: rule.redirect().and_then(|to| to.http_redirect_code.clone()),
            protocol: protocol(rule.redirect().and_then(|to| to.protocol())),
            replace_key_prefix_with: rule
                .redirect()
                .and_then(|to| to.replace_key_prefix_with.clone()),
            replace_key_with: rule.redirect().and_then(|to| to.replace_key_with.clone()),
        },
        routing_rule_condition: rule.condition().map(|condition| p::RoutingCondition {
            http_error_code_returned_equals: condition.http_error_code_returned_equals.clone(),
            key_prefix_equals: condition.key_prefix_equals.clone(),
        }),
    });
    p::Website {
        index_document: from.index_document().map(|index| index.suffix.clone()),
        error_document: from.error_document().map(|error| error.key.clone()),
        redirect_all_requests_to: from.redirect_all_requests_to().map(|to| p::RedirectAll {
            host_name: to.host_name.clone(),
            protocol: protocol(to.protocol()),
        }),
        routing_rules: some(rules.collect()),
    }
}

pub(super) fn object_lock(from: Option<&p::ObjectLock>) -> sdk::ObjectLockConfiguration {
    let rule = from.and_then(|lock| lock.rule.as_ref());
    let retention = rule.and_then(|rule| rule.default_retention.as_ref()).map(|retention| {
        sdk::DefaultRetention::builder()
            .set_mode(retention.mode.as_deref().map(Into::into))
            .set_days(retention.days)
            .set_years(retention.years)
            .build()
    });
    let rule = retention
        .map(|retention| sdk::ObjectLockRule::builder().default_retention(retention).build());
    sdk::ObjectLockConfiguration::builder()
        .object_lock_enabled(sdk::ObjectLockEnabled::Enabled)
        .set_rule(rule)
        .build()
}

pub(super) fn of_object_lock(from: &sdk::ObjectLockConfiguration) -> p::ObjectLock {
    let retention = from.rule().and_then(|rule| rule.default_retention());
    let retention = retention.map(|retention| p::Retention {
        mode: retention.mode().map(|mode| mode.as_str().to_owned()),
        days: retention.days,
        years: retention.years,
    });
    p::ObjectLock {
        object_lock_enabled: from.object_lock_enabled().map(|on| on.as_str().to_owned()),
        rule: retention.map(|r| p::ObjectLockRule { default_retention: Some(r) }),
    }
}
