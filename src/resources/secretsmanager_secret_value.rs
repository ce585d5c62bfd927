//! How Secrets Manager makes up the value of an `AWS::SecretsManager::Secret`.

use crate::resource::{Cx, Failure, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How a value is made up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, default)]
pub(super) struct GenerateSecretString {
    /// Characters that it does not have.
    pub exclude_characters: Option<String>,
    /// Whether it has no lower-case letters.
    pub exclude_lowercase: Option<bool>,
    /// Whether it has no digits.
    pub exclude_numbers: Option<bool>,
    /// Whether it has no punctuation.
    pub exclude_punctuation: Option<bool>,
    /// Whether it has no upper-case letters.
    pub exclude_uppercase: Option<bool>,
    /// The key under which it is put into the template.
    pub generate_string_key: Option<String>,
    /// Whether it may have spaces.
    pub include_space: Option<bool>,
    /// How many characters it has; 32 by default.
    pub password_length: Option<i64>,
    /// Whether it has one character of each kind at least.
    pub require_each_included_type: Option<bool>,
    /// JSON text that it is put into: `{"username": "api"}`.
    pub secret_string_template: Option<String>,
}

impl GenerateSecretString {
    /// Makes up a value.
    pub(super) async fn value(&self, cx: &Cx) -> Result<String> {
        let request = cx
            .secretsmanager()
            .get_random_password()
            .set_exclude_characters(self.exclude_characters.clone())
            .set_exclude_lowercase(self.exclude_lowercase)
            .set_exclude_numbers(self.exclude_numbers)
            .set_exclude_punctuation(self.exclude_punctuation)
            .set_exclude_uppercase(self.exclude_uppercase)
            .set_include_space(self.include_space)
            .set_password_length(self.password_length)
            .set_require_each_included_type(self.require_each_included_type);
        let operation = "secretsmanager:GetRandomPassword";
        let answer = cx.observe(operation, || request.clone().send()).await?;
        let Some(password) = answer.random_password else {
            return Err(Failure::refused("Secrets Manager made up no value"));
        };
        self.filled_in(password)
    }

    fn filled_in(&self, password: String) -> Result<String> {
        let (Some(template), Some(key)) = (&self.secret_string_template, &self.generate_string_key)
        else {
            return Ok(password);
        };
        let mut document: Value = serde_json::from_str(template).unwrap_or_default();
        let Some(members) = document.as_object_mut() else {
            return Err(Failure::refused("SecretStringTemplate must be a JSON object"));
        };
        members.insert(key.clone(), Value::String(password));
        Ok(document.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_goes_into_the_template() {
        let rule = GenerateSecretString {
            secret_string_template: Some(r#"{"username": "api"}"#.to_owned()),
            generate_string_key: Some("password".to_owned()),
            ..GenerateSecretString::default()
        };
        let value = rule.filled_in("x\"y".to_owned()).expect("a template");
        assert_eq!(value, r#"{"password":"x\"y","username":"api"}"#);
        assert_eq!(
            GenerateSecretString::default().filled_in("x".into()).ok().as_deref(),
            Some("x")
        );
    }
}
