//! A deployment among others, and among things that are nobody's.

use super::deployment::{Payments, REGIONS};
use crate::support::inventory::Thing;
use std::collections::BTreeSet;

#[tokio::test]
async fn two_deployments_in_an_account_do_not_disturb_each_other() {
    let payments = Payments::new().await;
    let (a, b) = (payments.beside("a"), payments.beside("b"));
    a.apply(&[]);
    let only_a = a.things();
    b.apply(&[]);
    a.assert_settled(&[]);
    b.assert_settled(&[]);
    assert!(only_a.is_subset(&b.things()));

    a.destroy();
    let only_b = b.things();
    assert!(only_a.is_disjoint(&only_b), "something of a's is left");
    assert_eq!(only_a.len(), only_b.len(), "something of b's is gone");
    b.assert_settled(&[]);
    b.destroy();
    assert_eq!(b.things(), BTreeSet::new());
    payments.world.assert_no_violations();
}

/// A queue's creation says nothing of one that exists, so the plan looks.
#[tokio::test]
async fn what_would_be_overwritten_is_refused_unless_it_may_be_adopted() {
    let payments = Payments::new().await;
    payments.make_queue().await;
    let before = payments.things();
    let plan = payments.run(&["plan"]);
    assert_eq!(plan.code, Some(1), "{plan}");
    let words = ["eu-west-1/DeadLetters", "is not payctl's", "--adopt", "nothing was changed"];
    payments.refused(&[], &words);
    assert_eq!(payments.things(), before);

    payments.make_role().await;
    let plan = payments.plan(&["--adopt"]);
    let adopted: Vec<&str> = plan
        .iter()
        .filter(|line| line.contains(" adopt "))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(adopted, ["eu-west-1/DeadLetters", "global/WorkflowRole"]);
    payments.apply(&["--adopt"]);
    payments.assert_settled(&[]);
    payments.destroy();
    assert_eq!(payments.things(), BTreeSet::new());
    payments.world.assert_no_violations();
}

/// A role's creation says that one exists, so that its first call is the one
/// that finds out.
#[tokio::test]
async fn what_exists_already_is_not_touched() {
    let payments = Payments::new().await;
    payments.make_role().await;
    payments.refused(
        &[],
        &[
            "global/WorkflowRole: creation failed",
            "exists and is not this deployment's",
            "--adopt",
            "us-east-1/Workflow: creation not begun: global/WorkflowRole failed",
        ],
    );
    let role = payments.aws.iam("us-east-1").get_role().role_name(payments.role());
    let role = role.send().await.expect("look at the role").role.expect("the role is there");
    let trust = role.assume_role_policy_document().unwrap_or_default();
    assert!(trust.contains("ec2.amazonaws.com") && role.tags().is_empty(), "{role:?}");
    payments.destroy();
    let left: Vec<String> = payments.things().into_iter().map(|thing| thing.name).collect();
    assert_eq!(left, [payments.role()], "what is not ours survives destroy");
    payments.world.assert_no_violations();
}

impl Payments {
    fn things(&self) -> BTreeSet<Thing> {
        self.inventory(&REGIONS).found.into_iter().collect()
    }

    fn role(&self) -> String {
        format!("payment-sfn-role-{}", self.env)
    }

    /// Makes a role of the workflow role's name.
    async fn make_role(&self) {
        let role = self.aws.iam("us-east-1").create_role().role_name(self.role());
        role.assume_role_policy_document(
            r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#,
        )
        .send()
        .await
        .expect("make a role");
    }

    /// Makes a queue of a dead-letter queue's name.
    async fn make_queue(&self) {
        let name = format!("payment-dead-letters-eu-west-1-{}", self.env);
        let queue = self.aws.sqs("eu-west-1").create_queue().queue_name(name);
        queue.send().await.expect("make a queue");
    }
}
