//! `AWS::Lambda::Permission`: a statement in a function's policy that lets a
//! service or account use it.

use crate::resource::{
    Changes, Cx, Desired, Early, Fault, Fixed, Found as _, Id, Live, Meta, Recorded, Resource,
    Result,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A permission. <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-lambda-permission.html>
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Permission {
    /// What may be done: `lambda:InvokeFunction`.
    #[schemars(length(min = 1, max = 256))]
    pub action: Fixed<String>,
    /// Alexa: the token that the caller must bring.
    #[schemars(length(min = 1, max = 256))]
    pub event_source_token: Option<Fixed<String>>,
    /// The function: its name or ARN, with a version or alias if wanted.
    #[schemars(length(min = 1, max = 140))]
    pub function_name: Fixed<String>,
    /// How callers of the function's URL prove who they are.
    #[schemars(extend("enum" = ["AWS_IAM", "NONE"]))]
    pub function_url_auth_type: Option<Fixed<String>>,
    /// Whether it holds for calls through the function's URL only.
    pub invoked_via_function_url: Option<Fixed<bool>>,
    /// Who may: a service, an account's 12 digits, the ARN of a user or role,
    /// or `*`.
    #[schemars(length(min = 1, max = 256))]
    pub principal: Fixed<String>,
    /// The organisation whose accounts may.
    #[serde(rename = "PrincipalOrgID")]
    #[schemars(length(min = 12, max = 34))]
    pub principal_org_id: Option<Fixed<String>>,
    /// The account that the caller must belong to.
    #[schemars(length(min = 12, max = 12))]
    pub source_account: Option<Fixed<String>>,
    /// The ARN of what calls; `*` and `?` match any text and character.
    #[schemars(length(min = 12, max = 1024))]
    pub source_arn: Option<Fixed<String>>,
}

/// What Lambda gives back.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attributes {
    /// The id of the statement.
    pub id: Early<String>,
}

impl Resource for Permission {
    type Attributes = Attributes;

    const META: Meta = Meta::regional("AWS::Lambda::Permission");

    fn check(desired: Desired<'_>) -> Vec<Fault> {
        match desired.text("Principal").and_then(account_of_root) {
            // Lambda stores both spellings alike, so only one can be compared.
            Some(account) => {
                let advice = format!("write the account's digits, {account}, instead of its ARN");
                vec![Fault::new("Principal", advice)]
            }
            None => Vec::new(),
        }
    }

    /// The statement's id is made from the node, so it is known to be ours.
    async fn find(&self, cx: &Cx) -> Result<Option<Id>> {
        let id = statement_id(cx);
        let found = statement(&self.function_name, &id, cx).await?;
        Ok(found.map(|_| Id::join([self.function_name.as_str(), &id])))
    }

    async fn read(id: &Id, cx: &Cx) -> Result<Option<Live<Self>>> {
        let [function, statement_id] = id.parts::<2>();
        let Some(statement) = statement(function, statement_id, cx).await? else {
            return Ok(None);
        };
        let attributes = Attributes { id: Early(statement_id.to_owned()) };
        let properties = from_statement(function, &statement);
        Ok(Some(Live { id: id.clone(), properties, attributes }))
    }

    async fn converge(
        &self,
        current: Option<&Live<Self>>,
        _changes: &Changes,
        cx: &Cx,
    ) -> Result<Attributes> {
        match current {
            None => self.create(cx).await,
            // Every property is fixed.
            Some(live) => Ok(live.attributes.clone()),
        }
    }

    async fn delete(recorded: &Recorded<Self>, cx: &Cx) -> Result<()> {
        let [function, statement_id] = recorded.id.parts::<2>();
        let request =
            cx.lambda().remove_permission().function_name(function).statement_id(statement_id);
        cx.mutate("lambda:RemovePermission", || request.clone().send()).await.found()?;
        Ok(())
    }
}

impl Permission {
    async fn create(&self, cx: &Cx) -> Result<Attributes> {
        let id = statement_id(cx);
        let text = |value: &Option<Fixed<String>>| value.as_deref().cloned();
        let auth_type = self.function_url_auth_type.as_ref().map(|kind| kind.as_str().into());
        let request = cx
            .lambda()
            .add_permission()
            .function_name(self.function_name.as_str())
            .statement_id(&id)
            .action(self.action.as_str())
            .principal(self.principal.as_str())
            .set_event_source_token(text(&self.event_source_token))
            .set_function_url_auth_type(auth_type)
            .set_invoked_via_function_url(self.invoked_via_function_url.as_deref().copied())
            .set_principal_org_id(text(&self.principal_org_id))
            .set_source_account(text(&self.source_account))
            .set_source_arn(text(&self.source_arn));
        cx.mutate("lambda:AddPermission", || request.clone().send()).await?;
        let attributes = Attributes { id: Early(id) };
        let name = Id::join([self.function_name.as_str(), &attributes.id]);
        cx.created(&name, json!(attributes)).await?;
        Ok(attributes)
    }
}

/// Returns the statement id of this node's instance.
fn statement_id(cx: &Cx) -> String {
    format!("payctl-{}", cx.owner.token())
}

/// Returns a statement of the function's policy.
async fn statement(function: &str, statement_id: &str, cx: &Cx) -> Result<Option<Value>> {
    let request = cx.lambda().get_policy().function_name(function);
    let answer = cx.observe("lambda:GetPolicy", || request.clone().send()).await.found()?;
    let policy = answer.and_then(|answer| answer.policy).unwrap_or_default();
    let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
    let statements = policy["Statement"].as_array().cloned().unwrap_or_default();
    Ok(statements.into_iter().find(|statement| statement["Sid"] == statement_id))
}

fn from_statement(function: &str, statement: &Value) -> Permission {
    let under = |key: &str| condition(statement, key).map(Fixed);
    let via_url = condition(statement, "lambda:InvokedViaFunctionUrl");
    Permission {
        action: Fixed(first_text(&statement["Action"]).unwrap_or_default()),
        event_source_token: under("lambda:EventSourceToken"),
        function_name: Fixed(function.to_owned()),
        function_url_auth_type: under("lambda:FunctionUrlAuthType"),
        invoked_via_function_url: Some(Fixed(via_url.as_deref() == Some("true"))),
        principal: Fixed(principal(&statement["Principal"])),
        principal_org_id: under("aws:PrincipalOrgID"),
        source_account: under("aws:SourceAccount"),
        source_arn: under("aws:SourceArn"),
    }
}

/// Returns the value of a condition under any operator; its key is written in
/// more than one case.
fn condition(statement: &Value, key: &str) -> Option<String> {
    let operators = statement["Condition"].as_object()?;
    let mut conditions = operators.values().filter_map(Value::as_object).flatten();
    conditions
        .find(|(name, _)| name.eq_ignore_ascii_case(key))
        .and_then(|(_, value)| first_text(value))
}

/// Returns the principal as it is written in a request.
fn principal(value: &Value) -> String {
    let named = value.get("Service").or_else(|| value.get("AWS")).unwrap_or(value);
    let text = first_text(named).unwrap_or_default();
    account_of_root(&text).map_or(text.clone(), str::to_owned)
}

/// Returns the account of `arn:aws:iam::123456789012:root`.
fn account_of_root(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:")?.strip_suffix(":root")?;
    rest.split_once(":iam::").map(|(_, account)| account)
}

fn first_text(value: &Value) -> Option<String> {
    let value = value.as_array().map_or(Some(value), |list| list.first())?;
    value.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_reads_as_it_was_asked_for() {
        let statement = json!({
            "Sid": "x", "Effect": "Allow", "Action": "lambda:InvokeFunction",
            "Principal": {"AWS": "arn:aws:iam::000000000000:root"},
            "Condition": {
                "StringEquals": {"AWS:SourceAccount": "111111111111"},
                "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"},
            },
        });
        let permission = from_statement("f", &statement);
        assert_eq!(permission.principal.0, "000000000000");
        assert_eq!(permission.source_account.as_deref().map(String::as_str), Some("111111111111"));
        assert_eq!(
            permission.source_arn.as_deref().map(String::as_str),
            Some("arn:aws:s3:::bucket")
        );
        assert_eq!(principal(&json!({"Service": "sns.amazonaws.com"})), "sns.amazonaws.com");
        assert_eq!(principal(&json!("*")), "*");
    }
}
