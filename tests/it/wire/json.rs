//! What MiniStack does not do of Lambda and Secrets Manager.

use super::replay::{Exchange, Replay};
use payctl::resource::{Id, LiveValue};
use serde_json::{Value, json};

/// A part of what is asked for (the operation, or method and path), and the
/// answer's status and body.
impl From<(&'static str, u16, Value)> for Exchange {
    fn from((expected, status, body): (&'static str, u16, Value)) -> Self {
        Self {
            expected: expected.to_owned(),
            status,
            content_type: "application/json",
            answer: body.to_string(),
        }
    }
}

impl Replay {
    /// Asserts that the script was played to its end; returns the bodies of
    /// the requests.
    fn over(&self) -> Vec<Value> {
        self.assert_over();
        let requests = self.requests().into_iter();
        requests.map(|request| serde_json::from_str(&request.body).unwrap_or_default()).collect()
    }
}

#[test]
fn a_version_gets_its_runtime_policy() {
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f:3";
    let policy = json!({"UpdateRuntimeOn": "FunctionUpdate"});
    let replay = Replay::of(vec![
        ("/configuration", 200, json!({"State": "Active"})),
        (
            "PUT /2021-07-20/functions/f/runtime-management-config?Qualifier=3",
            200,
            json!({"FunctionArn": arn, "UpdateRuntimeOn": "FunctionUpdate"}),
        ),
    ]);
    let live = LiveValue {
        id: Id::from(arn),
        properties: json!({"FunctionName": "f"}),
        attributes: json!({"FunctionArn": arn, "Version": "3"}),
    };
    replay.change("AWS::Lambda::Version", live, "RuntimePolicy", policy.clone()).expect("changed");
    assert_eq!(replay.over()[1], policy);
}

const SECRET: &str = "AWS::SecretsManager::Secret";
const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-AbCdEf";

/// Returns a description with one copy.
fn copied(region: &str, status: &str) -> Value {
    json!({"ARN": ARN, "Name": "s", "ReplicationStatus": [{"Region": region, "Status": status}]})
}

#[test]
fn copies_of_a_secret_move_and_go_before_it() {
    let replay = Replay::of(vec![
        ("RemoveRegionsFromReplication", 200, json!({"ARN": ARN})),
        ("ReplicateSecretToRegions", 200, json!({"ARN": ARN})),
        ("DescribeSecret", 200, copied("eu-west-1", "InProgress")),
        ("DescribeSecret", 200, copied("eu-west-1", "InSync")),
    ]);
    let live = LiveValue {
        id: Id::from("s"),
        properties: json!({"Name": "s", "ReplicaRegions": [{"Region": "us-west-2"}]}),
        attributes: json!({ "Id": ARN }),
    };
    replay
        .change(SECRET, live, "ReplicaRegions", json!([{"Region": "eu-west-1"}]))
        .expect("changed");
    let requests = replay.over();
    assert_eq!(requests[0]["RemoveReplicaRegions"], json!(["us-west-2"]));
    assert_eq!(requests[1]["AddReplicaRegions"], json!([{"Region": "eu-west-1"}]));

    let replay = Replay::of(vec![
        ("DescribeSecret", 200, copied("eu-west-1", "InSync")),
        ("RemoveRegionsFromReplication", 200, json!({"ARN": ARN})),
        ("DeleteSecret", 200, json!({"ARN": ARN})),
    ]);
    replay.delete(SECRET, "s").expect("deleted");
    assert_eq!(replay.over()[2]["ForceDeleteWithoutRecovery"], true);
}

/// The answer while a deleted secret still has the name.
fn blocked() -> Value {
    json!({"__type": "InvalidRequestException", "message": "You can't create this secret because \
           a secret with this name is already scheduled for deletion."})
}

fn tags(deployment: &str) -> Value {
    json!([
        {"Key": "payctl:deployment", "Value": deployment},
        {"Key": "payctl:address", "Value": "us-east-1/Subject"},
    ])
}

#[test]
fn a_name_that_our_own_deleted_secret_blocks_is_freed() {
    let deleted = json!({"ARN": ARN, "Name": "s", "DeletedDate": 1, "Tags": tags("wire.test")});
    let replay = Replay::of(vec![
        ("CreateSecret", 400, blocked()),
        ("DescribeSecret", 200, deleted),
        ("DeleteSecret", 200, json!({"ARN": ARN})),
        ("CreateSecret", 400, blocked()),
        ("CreateSecret", 200, json!({"ARN": ARN, "Name": "s"})),
    ]);
    let desired = json!({"Name": "s", "SecretString": "x", "Tags": tags("wire.test")});
    let attributes = replay.create(SECRET, desired).expect("created");
    assert_eq!(attributes["Id"], ARN);
    assert_eq!(replay.over()[2]["ForceDeleteWithoutRecovery"], true);
    assert_eq!(replay.created(), [Id::from("s")]);
}

#[test]
fn a_name_that_anothers_deleted_secret_blocks_is_left_to_them() {
    let deleted = json!({"ARN": ARN, "Name": "s", "DeletedDate": 1, "Tags": tags("other.dev")});
    let replay =
        Replay::of(vec![("CreateSecret", 400, blocked()), ("DescribeSecret", 200, deleted)]);
    let desired = json!({"Name": "s", "SecretString": "x", "Tags": tags("wire.test")});
    let failure = replay.create(SECRET, desired).expect_err("refused");
    assert!(failure.message.contains("not this deployment's. Restore it"), "{failure}");
    replay.over();
}
