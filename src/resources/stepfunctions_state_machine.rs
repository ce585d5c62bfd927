//! `AWS::StepFunctions::StateMachine`: a workflow.

use super::stepfunctions_state_machine_properties::{
    EncryptionConfiguration, LoggingConfiguration, TracingConfiguration,
};
use crate::resource::{
    Changes, Class, Cx, Desired, Early, Failure, Fault, Fixed, Found as _, Id, Json, Live, Meta,
    Place, Poll, Recorded, Resource, Result, Tags, Volatile, WriteOnly,
};
use aws_sdk_sfn::operation::describe_state_machine::DescribeStateMachineOutput;
use aws_sdk_sfn::types::{self, ExecutionStatus, StateMachineStatus};
use futures::future::try_join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A workflow. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-stepfunctions-statemachine.html>
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct StateMachine {
    /// Its definition in Amazon States Language. Compared with what was set;
    /// `DefinitionString` is compared with what AWS has.
    pub definition: Option<WriteOnly<Json>>,
    /// Its definition in Amazon States Language, as YAML or JSON text.
    pub definition_string: Option<Json>,
    /// What replaces `${name}` in `Definition`.
    pub definition_substitutions: Option<WriteOnly<BTreeMap<String, Value>>>,
    /// How its data is encrypted.
    pub encryption_configuration: Option<EncryptionConfiguration>,
    /// What it logs, and where.
    pub logging_configuration: Option<LoggingConfiguration>,
    /// The ARN of the role that it runs as.
    #[schemars(length(min = 1, max = 256))]
    pub role_arn: String,
    /// Its name.
    #[schemars(length(min = 1, max = 80))]
    pub state_machine_name: Option<Fixed<String>>,
    /// `STANDARD` runs for up to a year and once, `EXPRESS` for minutes.
    #[schemars(extend("enum" = ["STANDARD", "EXPRESS"]))]
    pub state_machine_type: Option<Fixed<String>>,
    /// Its tags.
    pub tags: Option<Tags>,
    /// Whether X-Ray traces it.
    pub tracing_configuration: Option<TracingConfiguration>,
}

/// What Step Functions gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// Its ARN.
    pub arn: Early<String>,
    /// Its name.
    pub name: Early<String>,
    /// What names its present definition and configuration.
    pub state_machine_revision_id: Volatile<String>,
}

/// What one UpdateStateMachine changes.
const CHANGEABLE: &[&str] = &[
    "Definition",
    "DefinitionString",
    "DefinitionSubstitutions",
    "EncryptionConfiguration",
    "LoggingConfiguration",
    "RoleArn",
    "TracingConfiguration",
];

/// A new state machine is there in moments.
const APPEARS: Duration = Duration::from_secs(60);

/// One that is deleted goes after its executions; express ones run for up to
/// five minutes.
const GOES: Duration = Duration::from_secs(600);

impl Resource for StateMachine {
    type Attributes = Attributes;

    // CreateStateMachine answers as if it had made one when the same one is
    // there already.
    const META: Meta = Meta::regional("AWS::StepFunctions::StateMachine")
        .named("StateMachineName", 80)
        .taggable()
        .overwrites()
        .unsupported(&["DefinitionS3Location"]);

    fn identity(desired: Desired<'_>, place: &Place) -> Option<Id> {
        Some(Id(arn(desired.text("StateMachineName")?, place)))
    }

    fn predict(desired: Desired<'_>, place: &Place) -> Value {
        match desired.text("StateMachineName") {
            Some(name) => json!({"Arn": arn(name, place), "Name": name}),
            None => Value::Null,
        }
    }

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        let has = |property| desired.0.get(property).is_some_and(|value| !value.is_null());
        let mut faults = Vec::new();
        let mut fault = |property: &str, advice: &str| faults.push(Fault::new(property, advice));
        if has("Definition") == has("DefinitionString") {
            fault("DefinitionString", "write the definition here or in Definition, in one of them");
        }
        if has("DefinitionSubstitutions") && !has("Definition") {
            let advice = "it goes with Definition; in DefinitionString write payctl's own '${…}'";
            fault("DefinitionSubstitutions", advice);
        }
        let level = desired.text("LoggingConfiguration/Level").unwrap_or("OFF");
        let logging = &desired.0["LoggingConfiguration"];
        if level != "OFF" && logging.get("Destinations").is_none() {
            fault("LoggingConfiguration", "name the log group to write to in Destinations");
        }
        for destination in logging["Destinations"].as_array().into_iter().flatten() {
            let group = destination["CloudWatchLogsLogGroup"]["LogGroupArn"].as_str();
            if group.is_some_and(|arn| !arn.ends_with(":*")) {
                let advice = "AWS wants ':*' at the end of the log group's ARN";
                fault("LoggingConfiguration/Destinations", advice);
            }
        }
        faults
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let request = cx.sfn().list_tags_for_resource().resource_arn(id.as_str());
        let tags = cx.observe("states:ListTagsForResource", || request.clone().send());
        let Some((machine, tags)) = futures::try_join!(describe(id.as_str(), cx), tags).found()?
        else {
            return Ok(None);
        };
        if machine.status() == Some(&StateMachineStatus::Deleting) {
            return Ok(None);
        }
        let tags = tags.tags.unwrap_or_default();
        let mut properties = Self::from(&machine);
        properties.tags = Some(tags.into_iter().filter_map(|t| t.key.zip(t.value)).collect());
        Ok(Some(Live { id: id.clone(), properties, attributes: attributes(machine) }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            Some(live) => self.update(live, changes, cx).await,
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let arn = recorded.id.as_str();
        stop_executions(arn, cx).await?;
        let request = cx.sfn().delete_state_machine().state_machine_arn(arn);
        cx.mutate("states:DeleteStateMachine", || request.clone().send()).await.found()?;
        cx.wait(GOES, || async {
            if describe(arn, cx).await.found()?.is_none() {
                return Ok(Poll::Ready(()));
            }
            // What started after the first look keeps it there.
            stop_executions(arn, cx).await?;
            Ok(Poll::Pending("it is DELETING until its last execution ends".to_owned()))
        })
        .await
    }
}

impl StateMachine {
    fn name(&self) -> &str {
        self.state_machine_name.as_ref().map(|name| name.as_str()).unwrap_or_default()
    }

    /// Returns the definition as AWS takes it.
    fn text(&self) -> String {
        let definition = self.definition.as_deref().or(self.definition_string.as_ref());
        let mut text = definition.map(Json::text).unwrap_or_default();
        for (name, value) in self.definition_substitutions.iter().flat_map(|all| all.iter()) {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            // It stands inside a JSON string, which has quotes of its own.
            let quoted = Value::from(plain).to_string();
            let inner = &quoted[1..quoted.len() - 1];
            text = text.replace(&format!("${{{name}}}"), inner);
        }
        text
    }

    fn logging(&self) -> types::LoggingConfiguration {
        let none = LoggingConfiguration::default();
        let logging = self.logging_configuration.as_ref().unwrap_or(&none);
        let destinations = logging.destinations.as_deref().into_iter().flatten();
        types::LoggingConfiguration::builder()
            .level(logging.level.as_deref().unwrap_or("OFF").into())
            .include_execution_data(logging.include_execution_data.unwrap_or(false))
            .set_destinations(Some(destinations.map(Into::into).collect()))
            .build()
    }

    fn tracing(&self) -> types::TracingConfiguration {
        let enabled = self.tracing_configuration.as_ref().and_then(|tracing| tracing.enabled);
        types::TracingConfiguration::builder().enabled(enabled.unwrap_or(false)).build()
    }

    fn encryption(&self) -> Result<types::EncryptionConfiguration> {
        let set = self.encryption_configuration.as_ref();
        types::EncryptionConfiguration::builder()
            .r#type(set.map_or("AWS_OWNED_KEY", |set| set.r#type.as_str()).into())
            .set_kms_key_id(set.and_then(|set| set.kms_key_id.clone()))
            .set_kms_data_key_reuse_period_seconds(
                set.and_then(|set| set.kms_data_key_reuse_period_seconds),
            )
            .build()
            .map_err(|error| Failure::refused(error.to_string()))
    }

    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let logging = self.logging_configuration.is_some();
        let tracing = self.tracing_configuration.is_some();
        let encryption = self.encryption_configuration.as_ref().map(|_| self.encryption());
        let request = cx
            .sfn()
            .create_state_machine()
            .name(self.name())
            .definition(self.text())
            .role_arn(&self.role_arn)
            .set_encryption_configuration(encryption.transpose()?)
            .set_logging_configuration(logging.then(|| self.logging()))
            .set_tags(Some(self.tags.iter().flat_map(Tags::pairs).map(tag).collect()))
            .set_tracing_configuration(tracing.then(|| self.tracing()))
            .set_type(self.state_machine_type.as_ref().map(|kind| kind.as_str().into()));
        let answer = cx.mutate("states:CreateStateMachine", || request.clone().send()).await?;
        let arn = answer.state_machine_arn;
        cx.created(&Id::from(arn.as_str()), json!({"Arn": arn, "Name": self.name()})).await?;
        cx.wait(APPEARS, || async {
            match describe(&arn, cx).await.found()? {
                Some(machine) => Ok(Poll::Ready(attributes(machine))),
                None => Ok(Poll::Pending("it is not visible yet".to_owned())),
            }
        })
        .await
    }

    async fn update(&self, live: &Live<Self>, changes: &Changes, cx: &Cx) -> Result<Attributes> {
        let arn = live.id.as_str();
        let mut attributes = live.attributes.clone();
        if changes.any(CHANGEABLE) {
            let revision = self.update_settings(arn, changes, cx).await?;
            attributes.state_machine_revision_id = Volatile(revision);
        }
        let tags = changes.tags(self.tags.as_ref());
        if !tags.set.is_empty() {
            let set = tags.set.into_iter().map(|set| tag((set.key, set.value))).collect();
            let request = cx.sfn().tag_resource().resource_arn(arn).set_tags(Some(set));
            cx.mutate("states:TagResource", || request.clone().send()).await?;
        }
        if !tags.remove.is_empty() {
            let request =
                cx.sfn().untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            cx.mutate("states:UntagResource", || request.clone().send()).await?;
        }
        Ok(attributes)
    }

    /// Changes all that differs in one call, and returns the new revision.
    async fn update_settings(&self, arn: &str, changes: &Changes, cx: &Cx) -> Result<String> {
        let has = |property| changes.has(property);
        // With the encryption AWS wants the definition, to encrypt it anew.
        let definition = ["Definition", "DefinitionString", "DefinitionSubstitutions"];
        let text = changes.any(&definition) || has("EncryptionConfiguration");
        let encryption = has("EncryptionConfiguration").then(|| self.encryption());
        let request = cx
            .sfn()
            .update_state_machine()
            .state_machine_arn(arn)
            .set_definition(text.then(|| self.text()))
            .set_encryption_configuration(encryption.transpose()?)
            .set_logging_configuration(has("LoggingConfiguration").then(|| self.logging()))
            .set_role_arn(has("RoleArn").then(|| self.role_arn.clone()))
            .set_tracing_configuration(has("TracingConfiguration").then(|| self.tracing()));
        let answer = cx.mutate("states:UpdateStateMachine", || request.clone().send()).await?;
        match answer.revision_id {
            Some(revision) => Ok(revision),
            None => Ok(attributes(describe(arn, cx).await?).state_machine_revision_id.0),
        }
    }
}

fn arn(name: &str, place: &Place) -> String {
    place.arn("states", &format!("stateMachine:{name}"))
}

fn tag((key, value): (String, String)) -> types::Tag {
    types::Tag::builder().key(key).value(value).build()
}

fn attributes(machine: DescribeStateMachineOutput) -> Attributes {
    // AWS gives no revision until the first update, and calls that one so.
    let revision = machine.revision_id.unwrap_or_else(|| "INITIAL".to_owned());
    Attributes {
        arn: Early(machine.state_machine_arn),
        name: Early(machine.name),
        state_machine_revision_id: Volatile(revision),
    }
}

async fn describe(arn: &str, cx: &Cx) -> Result<DescribeStateMachineOutput> {
    let request = cx.sfn().describe_state_machine().state_machine_arn(arn);
    cx.observe("states:DescribeStateMachine", || request.clone().send()).await
}

/// Stops what runs: AWS keeps a standard workflow until its last execution has
/// ended, which may take a year. Express ones cannot be listed, and end soon.
async fn stop_executions(arn: &str, cx: &Cx) -> Result<()> {
    let request =
        cx.sfn().list_executions().state_machine_arn(arn).status_filter(ExecutionStatus::Running);
    let mut token: Option<String> = None;
    loop {
        let page = || request.clone().set_next_token(token.clone()).send();
        let page = match cx.observe("states:ListExecutions", page).await {
            Ok(page) => page,
            Err(failure) if failure.class == Class::Gone => return Ok(()),
            Err(failure) if failure.is_code(&["StateMachineTypeNotSupported"]) => return Ok(()),
            Err(failure) => return Err(failure),
        };
        if !page.executions.is_empty() {
            cx.progress(&format!("stopping {} running executions", page.executions.len()));
        }
        try_join_all(page.executions.iter().map(|one| stop(&one.execution_arn, cx))).await?;
        token = page.next_token;
        if token.is_none() {
            return Ok(());
        }
    }
}

async fn stop(execution_arn: &str, cx: &Cx) -> Result<()> {
    let request = cx
        .sfn()
        .stop_execution()
        .execution_arn(execution_arn)
        .cause("payctl deletes the state machine");
    match cx.mutate("states:StopExecution", || request.clone().send()).await {
        // It ended by itself meanwhile.
        Err(failure) if failure.is_code(&["ExecutionDoesNotExist", "ValidationException"]) => {
            Ok(())
        }
        answer => answer.map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutions_stay_inside_their_string() {
        let machine: StateMachine = serde_json::from_value(json!({
            "RoleArn": "x",
            "Definition": {"Comment": "${what}, ${count} times"},
            "DefinitionSubstitutions": {"what": "say \"hello\"", "count": 3},
        }))
        .expect("properties");
        assert_eq!(machine.text(), r#"{"Comment":"say \"hello\", 3 times"}"#);
    }

    #[test]
    fn faults_are_named() {
        let paths = |desired: Value| -> Vec<String> {
            let faults = StateMachine::check(Desired(&desired));
            faults.into_iter().map(|fault| fault.property).collect()
        };
        assert!(paths(json!({"DefinitionString": {}})).is_empty());
        assert_eq!(paths(json!({})), ["DefinitionString"]);
        let logging = json!({"Level": "ALL", "Destinations": [
            {"CloudWatchLogsLogGroup": {"LogGroupArn": "arn:aws:logs:us-east-1:0:log-group:x"}},
        ]});
        let desired = json!({"Definition": {}, "LoggingConfiguration": logging});
        assert_eq!(paths(desired), ["LoggingConfiguration/Destinations"]);
    }
}
