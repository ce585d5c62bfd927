//! What somebody does behind payctl's back is seen and undone.

use super::deployment::Payments;
use aws_sdk_sqs::types::QueueAttributeName;

const REGION: &str = "eu-west-1";

#[tokio::test]
async fn drift_is_shown_and_undone() {
    let payments = Payments::applied().await;
    payments.meddle().await;
    let expected = [
        "eu-west-1/Alerts update DisplayName",
        "eu-west-1/DeadLetterAlarm update ActionsEnabled",
        "eu-west-1/DeadLetters update MessageRetentionPeriod Tags/CostCenter",
        "eu-west-1/ErrorAlarm create",
        "eu-west-1/Key update EnableKeyRotation",
        "eu-west-1/Processor update MemorySize ReservedConcurrentExecutions",
        "eu-west-1/ProcessorLogs update RetentionInDays",
        "eu-west-1/Receipts update PublicAccessBlockConfiguration",
        "eu-west-1/ReceiptsPolicy create",
        "eu-west-1/ReceiveRule update State",
        "global/ProcessorRole update AssumeRolePolicyDocument",
        "us-east-1/Dashboard update DashboardBody",
    ];
    assert_eq!(payments.plan(&[]), expected);
    let shown = payments.run(&["plan"]);
    let shown = &shown.success().stdout;
    for words in [
        "! MessageRetentionPeriod 1209600 → 60  changed outside payctl",
        "! Tags/CostCenter        finance → nobody  changed outside payctl",
        "AWS::CloudWatch::Alarm  it was deleted outside payctl",
    ] {
        assert!(shown.contains(words), "'{words}' is not in\n{shown}");
    }
    assert_eq!(payments.run(&["plan", "--detailed-exitcode"]).code, Some(2));

    payments.apply(&[]);
    payments.assert_settled(&[]);
    let attributes = payments.aws.sqs(REGION).get_queue_attributes().queue_url(payments.queue());
    let attributes = attributes.attribute_names(QueueAttributeName::MessageRetentionPeriod);
    let attributes = attributes.send().await.expect("look at the queue").attributes;
    let period = attributes.and_then(|all| all.into_values().next());
    assert_eq!(period.as_deref(), Some("1209600"));
    let tags = payments.aws.sqs(REGION).list_queue_tags().queue_url(payments.queue());
    let tags = tags.send().await.expect("list the queue's tags").tags.unwrap_or_default();
    assert_eq!(tags["CostCenter"], "finance");
    assert_eq!(tags["Foreign"], "untouched", "what others add is left alone");
    payments.world.assert_no_violations();
}

impl Payments {
    fn queue(&self) -> String {
        let queues = &self.outputs()["dead_letter_queue_urls"];
        queues[REGION].as_str().expect("the queue has an address").to_owned()
    }

    /// Changes and deletes things with calls that payctl knows nothing of.
    async fn meddle(&self) {
        let name = |what: &str| format!("payment-{what}-{REGION}-{}", self.env);
        let (sqs, lambda, s3) =
            (self.aws.sqs(REGION), self.aws.lambda(REGION), self.aws.s3(REGION));
        let queue = sqs.set_queue_attributes().queue_url(self.queue());
        queue
            .attributes(QueueAttributeName::MessageRetentionPeriod, "60")
            .send()
            .await
            .expect("change the queue");
        let tags = sqs.tag_queue().queue_url(self.queue());
        let tags = tags.tags("CostCenter", "nobody").tags("Foreign", "untouched").send().await;
        tags.expect("tag the queue");

        let alarms = self.aws.cloudwatch(REGION).delete_alarms();
        alarms.alarm_names(name("lambda-errors")).send().await.expect("delete the alarm");
        let alarms = self.aws.cloudwatch(REGION).disable_alarm_actions();
        alarms.alarm_names(name("dead-letters")).send().await.expect("silence an alarm");
        let rule = self.aws.events(REGION).disable_rule().name(name("failover-receive"));
        rule.send().await.expect("turn off a rule");
        let dashboard = self.aws.cloudwatch("us-east-1").put_dashboard();
        let dashboard = dashboard.dashboard_name(format!("payment-processing-{}", self.env));
        let dashboard = dashboard.dashboard_body(r#"{"widgets": []}"#).send().await;
        dashboard.expect("empty the dashboard");

        let function = lambda.update_function_configuration().function_name(name("processor"));
        function.memory_size(128).send().await.expect("change the function");
        let concurrency = lambda.delete_function_concurrency().function_name(name("processor"));
        concurrency.send().await.expect("lift the function's limit");
        let trust = self.aws.iam(REGION).update_assume_role_policy();
        let trust = trust.role_name(format!("payment-lambda-role-{}", self.env));
        trust
            .policy_document(
                r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
                "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#,
            )
            .send()
            .await
            .expect("change whom the role trusts");

        let access = s3.delete_public_access_block().bucket(name("receipts"));
        access.send().await.expect("open the bucket");
        let policy = s3.delete_bucket_policy().bucket(name("receipts"));
        policy.send().await.expect("delete the bucket's policy");
        let key = self.outputs()["kms_key_ids"][REGION].clone();
        let key = self.aws.kms(REGION).disable_key_rotation().key_id(key.as_str().expect("a key"));
        key.send().await.expect("turn off the key's rotation");
        let logs = self.aws.logs(REGION).delete_retention_policy();
        let logs = logs.log_group_name(format!("/aws/lambda/{}", name("processor")));
        logs.send().await.expect("keep logs for ever");
        let topic = format!("arn:aws:sns:{REGION}:{}:{}", self.world.account(), name("alerts"));
        let topic = self.aws.sns(REGION).set_topic_attributes().topic_arn(topic);
        let topic = topic.attribute_name("DisplayName").attribute_value("nothing").send().await;
        topic.expect("rename the topic");
    }
}
