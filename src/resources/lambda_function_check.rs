//! The rules of Lambda that the schema of `AWS::Lambda::Function` cannot say.

use crate::resource::{Desired, Fault};
use serde_json::{Map, Value};

/// The variables that Lambda sets itself and refuses in a configuration.
const RESERVED: &[&str] = &[
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
    "AWS_ACCESS_KEY",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_LAMBDA_METADATA_API",
    "AWS_LAMBDA_METADATA_TOKEN",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
];

/// What the variables may measure together, as JSON text.
const ENVIRONMENT_BYTES: usize = 4096;

/// Returns what Lambda would refuse.
pub(super) fn faults(desired: Desired<'_>) -> Vec<Fault> {
    let mut faults = environment(desired);
    faults.extend(package(desired));
    faults.extend(code(desired));
    faults.extend(network(desired));
    faults
}

/// A function is in a network by both, and in none by neither.
fn network(desired: Desired<'_>) -> Option<Fault> {
    let has = |name: &str| {
        let list = desired.0.pointer(&format!("/VpcConfig/{name}"));
        list.is_some_and(|list| {
            !list.is_null() && list.as_array().is_none_or(|all| !all.is_empty())
        })
    };
    (has("SubnetIds") != has("SecurityGroupIds")).then(|| {
        Fault::new("VpcConfig", "SubnetIds and SecurityGroupIds belong together: write both")
    })
}

fn is_set(desired: Desired<'_>, path: &str) -> bool {
    desired.0.pointer(&format!("/{path}")).is_some_and(|value| !value.is_null())
}

fn environment(desired: Desired<'_>) -> Vec<Fault> {
    // Values may be known after apply; names are not.
    let none = Map::new();
    let variables = desired.0.pointer("/Environment/Variables").and_then(Value::as_object);
    let mut faults: Vec<_> = variables
        .unwrap_or(&none)
        .keys()
        .filter_map(|name| {
            let fault =
                |text: String| Some(Fault::new(format!("Environment/Variables/{name}"), text));
            if RESERVED.contains(&name.as_str()) {
                fault(format!("Lambda sets {name} itself and refuses it here: leave it out"))
            } else if !is_variable_name(name) {
                fault("a variable's name is a letter and one or more letters, digits or '_'".into())
            } else {
                None
            }
        })
        .collect();
    let size = desired.get("Environment/Variables").map_or(0, |all| all.to_string().len());
    if size > ENVIRONMENT_BYTES {
        faults.push(Fault::new(
            "Environment/Variables",
            format!("the variables measure {size} bytes as JSON; Lambda takes {ENVIRONMENT_BYTES}"),
        ));
    }
    faults
}

/// `$` begins the mark of a map that is known after apply.
fn is_variable_name(name: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    name.starts_with('$') || (letter && name.len() > 1 && name.chars().all(word))
}

fn package(desired: Desired<'_>) -> Vec<Fault> {
    let image = desired.text("PackageType") == Some("Image");
    let mut faults = Vec::new();
    for property in ["Handler", "Runtime"] {
        match (image, is_set(desired, property)) {
            (false, false) => {
                faults
                    .push(Fault::new(property, "a function from a zip needs Handler and Runtime"));
            }
            (true, true) => {
                faults.push(Fault::new(property, "the image says this itself: leave it out"));
            }
            _ => {}
        }
    }
    if image && is_set(desired, "Layers") {
        faults.push(Fault::new("Layers", "an image takes no layers: build them into it"));
    }
    if !image && is_set(desired, "ImageConfig") {
        faults.push(Fault::new("ImageConfig", "it is for PackageType: Image only"));
    }
    if image != is_set(desired, "Code/ImageUri") {
        let rule = "'PackageType: Image' and 'Code: {ImageUri: …}' belong together";
        faults.push(Fault::new("PackageType", rule));
    }
    faults
}

fn code(desired: Desired<'_>) -> Vec<Fault> {
    let mut faults = Vec::new();
    let local = desired.0.get("Code").is_some_and(Value::is_string);
    let sources = ["Code/Asset", "Code/ImageUri", "Code/S3Bucket", "Code/ZipFile"];
    let given = sources.iter().filter(|path| is_set(desired, path)).count();
    if !local && given != 1 {
        faults.push(Fault::new(
            "Code",
            "write one of: a path to local code, {S3Bucket, S3Key}, {ZipFile} or {ImageUri}",
        ));
    }
    if is_set(desired, "Code/S3Bucket") != is_set(desired, "Code/S3Key") {
        faults.push(Fault::new("Code", "S3Bucket and S3Key belong together"));
    }
    if let (true, Some(runtime)) = (is_set(desired, "Code/ZipFile"), desired.text("Runtime"))
        && !runtime.starts_with("python")
        && !runtime.starts_with("nodejs")
    {
        let rule = "inline code is for Python and Node.js: write a path to local code instead";
        faults.push(Fault::new("Code/ZipFile", rule));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(desired: &Value) -> Vec<String> {
        faults(Desired(desired)).into_iter().map(|fault| fault.property).collect()
    }

    #[test]
    fn what_lambda_takes_has_no_fault() {
        let code = json!({"Asset": {"Path": "src", "Sha256": "x"}});
        let variables = json!({"TABLE": {"$unknown": ["us-east-1/Table.Arn"]}});
        assert!(
            paths(&json!({"Code": code, "Handler": "a.b", "Runtime": "python3.13",
            "Environment": {"Variables": variables}}))
            .is_empty()
        );
        assert!(paths(&json!({"Code": {"ImageUri": "x"}, "PackageType": "Image"})).is_empty());
    }

    #[test]
    fn what_lambda_refuses_is_named() {
        let zip = json!({"Code": "src", "Handler": "a.b", "Runtime": "python3.13"});
        let with = |name: &str, value: Value| {
            let mut desired = zip.clone();
            desired[name] = value;
            paths(&desired)
        };
        let variables = |value: Value| with("Environment", json!({"Variables": value}));
        assert_eq!(variables(json!({"AWS_REGION": "x"})), ["Environment/Variables/AWS_REGION"]);
        assert_eq!(variables(json!({"1A": "x"})), ["Environment/Variables/1A"]);
        assert_eq!(variables(json!({"AB": "x".repeat(4100)})), ["Environment/Variables"]);
        assert_eq!(with("Runtime", Value::Null), ["Runtime"]);
        assert_eq!(with("Code", json!({"S3Bucket": "b"})), ["Code"]);
        assert_eq!(with("Code", json!({"ImageUri": "b"})), ["PackageType"]);
        assert_eq!(with("VpcConfig", json!({"SubnetIds": ["subnet-1"]})), ["VpcConfig"]);
        assert!(with("VpcConfig", json!({"SubnetIds": [], "SecurityGroupIds": []})).is_empty());
    }
}
