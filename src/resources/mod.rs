//! The resource types, one file each: `ls` is the catalogue.

use crate::resource::{Kind, of};

mod cloudwatch_alarm;
mod cloudwatch_alarm_metrics;
mod cloudwatch_dashboard;
mod events_event_bus;
mod events_event_bus_policy;
mod events_rule;
mod events_rule_target;
mod events_rule_target_sdk;
mod sns_subscription;
mod sns_topic;
mod sns_topic_policy;
mod sqs_queue;
mod sqs_queue_policy;

/// Every type that payctl knows, in the order of their names.
pub static KINDS: &[&dyn Kind] = &[
    &of::<cloudwatch_alarm::Alarm>(),
    &of::<cloudwatch_dashboard::Dashboard>(),
    &of::<events_event_bus::EventBus>(),
    &of::<events_event_bus_policy::EventBusPolicy>(),
    &of::<events_rule::Rule>(),
    &of::<sns_subscription::Subscription>(),
    &of::<sns_topic::Topic>(),
    &of::<sns_topic_policy::TopicPolicy>(),
    &of::<sqs_queue::Queue>(),
    &of::<sqs_queue_policy::QueuePolicy>(),
];

/// Returns the kind of a CloudFormation type.
pub fn kind(type_name: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.meta().type_name == type_name)
}
