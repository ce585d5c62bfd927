//! What changes in the file or its parameters is planned, made, and then no
//! longer planned: nothing else is.

use super::deployment::{Payments, REGIONS};

#[tokio::test]
async fn a_parameter_changes_what_it_is_in_and_nothing_else() {
    let payments = Payments::applied().await;
    let longer = ["--param", "LogRetentionDays=14"];
    let mut expected: Vec<String> = REGIONS
        .into_iter()
        .flat_map(|region| ["ProcessorLogs", "WorkflowLogs"].map(|name| format!("{region}/{name}")))
        .map(|address| format!("{address} update RetentionInDays"))
        .collect();
    expected.sort();
    assert_eq!(payments.plan(&longer), expected);
    payments.apply(&longer);
    payments.assert_settled(&longer);
    for region in REGIONS {
        let groups = payments.aws.logs(region).describe_log_groups().send().await;
        let groups = groups.expect("list the log groups");
        let days: Vec<_> = groups.log_groups().iter().map(|g| g.retention_in_days()).collect();
        assert_eq!(days, [Some(14), Some(14)], "in {region}");
    }
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn a_parameter_comes_from_the_environment_too() {
    let payments = Payments::new().await;
    let arguments = payments.with_target(&["export", "--region", "us-east-1"]);
    let mut command = payments.world.command(&arguments);
    let output = command.env("PAYCTL_PARAM_ReceiptsBucketPrefix", "from-the-environment").output();
    let template = String::from_utf8(output.expect("run payctl").stdout).expect("UTF-8");
    assert!(template.contains("\"from-the-environment-us-east-1-"), "{template}");
}

#[tokio::test]
async fn an_edited_stack_changes_what_was_edited_and_nothing_else() {
    let payments = Payments::applied().await;
    payments.edit("plans/payment-processing.yaml", "Threshold: 0.001", "Threshold: 0.002");
    payments.edit(
        "lambda-src/transaction-processor/transaction_processor.py",
        "STATUS = \"processed\"",
        "STATUS = \"done\"",
    );
    let mut expected: Vec<String> = REGIONS
        .into_iter()
        .flat_map(|region| {
            let changes = ["ErrorAlarm update Threshold", "Processor update Code/Asset/Sha256"];
            changes.map(|change| format!("{region}/{change}"))
        })
        .collect();
    expected.sort();
    assert_eq!(payments.plan(&[]), expected);
    payments.apply(&[]);
    payments.assert_settled(&[]);
    for region in REGIONS {
        let alarms = payments.aws.cloudwatch(region).describe_alarms();
        let alarms = alarms.alarm_name_prefix("payment-lambda-errors-").send().await;
        let alarms = alarms.expect("list the alarms");
        let thresholds: Vec<_> = alarms.metric_alarms().iter().map(|a| a.threshold()).collect();
        assert_eq!(thresholds, [Some(0.002)], "in {region}");
    }
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn another_name_replaces_a_resource_and_leaves_no_old_one() {
    let payments = Payments::applied().await;
    payments.edit(
        "plans/payment-processing.yaml",
        "TopicName: payment-alerts-${region}",
        "TopicName: warnings-${region}",
    );
    let prefix = format!("ReceiptsBucketPrefix=receipts-{}", payments.world.account());
    let renamed = ["--param", &prefix];
    let lossy = [&renamed[..], &["--allow-data-loss"]].concat();
    payments.refused(&renamed, &["us-east-1/Receipts", "--allow-data-loss"]);
    let plan = payments.plan(&lossy);
    for region in REGIONS {
        for what in ["Alerts replace TopicName", "Receipts replace BucketName"] {
            let words = format!("{region}/{what}");
            let is_planned = plan.iter().any(|line| line.starts_with(&words));
            assert!(is_planned, "'{words}' is not in {plan:#?}");
        }
    }
    payments.apply(&lossy);
    payments.assert_settled(&renamed);
    let inventory = payments.inventory(&REGIONS);
    for (kind, name) in
        [("topic", ":warnings-"), ("bucket", &prefix["ReceiptsBucketPrefix=".len()..])]
    {
        let found: Vec<_> = inventory.found.iter().filter(|thing| thing.kind == kind).collect();
        assert_eq!(found.len(), REGIONS.len(), "{found:#?}");
        assert!(found.iter().all(|thing| thing.name.contains(name)), "{found:#?}");
    }
    payments.destroy();
    assert_eq!(payments.inventory(&REGIONS).found, []);
    payments.world.assert_no_violations();
}

#[tokio::test]
async fn a_changed_api_is_deployed_again() {
    let payments = Payments::applied().await;
    let api = payments.state()["us-east-1/Api"]["id"].as_str().expect("an id").to_owned();
    let before = payments.deployments(&api).await;
    let shorter = ["--param", "ApiTimeoutMillis=20000"];
    assert_eq!(
        payments.plan(&shorter),
        [
            "us-east-1/ApiDeployment replace ContentHash",
            "us-east-1/ApiPost update Integration/TimeoutInMillis",
            "us-east-1/ApiStage update DeploymentId",
        ]
    );
    payments.apply(&shorter);
    payments.assert_settled(&shorter);

    let after = payments.deployments(&api).await;
    assert_eq!((before.len(), after.len()), (1, 1), "the old one is deleted");
    assert_ne!(before, after);
    let stage = payments.aws.apigateway("us-east-1").get_stage().rest_api_id(&api);
    let stage = stage.stage_name("prod").send().await.expect("look at the stage");
    assert_eq!(stage.deployment_id(), Some(after[0].as_str()), "the stage has moved");
    payments.world.assert_no_violations();
}

impl Payments {
    /// Returns the deployments of an API.
    pub(super) async fn deployments(&self, api: &str) -> Vec<String> {
        let list = self.aws.apigateway("us-east-1").get_deployments().rest_api_id(api);
        let answer = list.send().await.expect("list the deployments");
        answer.items().iter().filter_map(|item| item.id()).map(str::to_owned).collect()
    }
}
