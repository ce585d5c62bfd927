//! While the primary is lost, the secondary is still looked after.

use super::deployment::{PRIMARY, REGIONS, Recovery, SECONDARY};
use crate::support::proxy::Proxy;
use serde_json::json;

/// The proxy takes IAM and Route 53 for a part of us-east-1, where they sign.
/// The functions refer to the table and their roles, which are lost and stay.
#[tokio::test]
async fn the_secondary_is_changed_while_the_primary_is_lost() {
    let proxy = Proxy::own();
    let recovery = Recovery::at(proxy.endpoint()).await;
    recovery.apply(&[]);
    let change = ["--param", "LogRetentionDays=14", "--param", "ProcessingConcurrency=7"];
    proxy.behave(&json!({"region_down": [PRIMARY]}));
    recovery.refused(&change, &["us-east-1 does not answer", "5 changed", "unreachable"]);
    assert_eq!(recovery.retention(SECONDARY).await, [Some(14); 3]);
    assert_eq!(recovery.concurrency(SECONDARY).await, Some(7));

    proxy.behave(&json!({}));
    assert_eq!(recovery.retention(PRIMARY).await, [Some(7); 2], "nothing was changed there");
    recovery.apply(&change);
    recovery.assert_settled(&change);
    assert_eq!(recovery.retention(PRIMARY).await, [Some(14); 2]);
    recovery.destroy();
    assert_eq!(recovery.inventory(&REGIONS).found, []);
}

impl Recovery {
    async fn concurrency(&self, region: &str) -> Option<i32> {
        let function = self.name("processing", region);
        let request = self.aws.lambda(region).get_function_concurrency().function_name(function);
        let answer = request.send().await.expect("read the concurrency");
        answer.reserved_concurrent_executions
    }

    async fn retention(&self, region: &str) -> Vec<Option<i32>> {
        let groups = self.aws.logs(region).describe_log_groups().send().await;
        let groups = groups.expect("list the log groups");
        groups.log_groups().iter().map(|group| group.retention_in_days()).collect()
    }
}
