//! One region of a deployment as a CloudFormation template: an honest way out,
//! and the way in which other people's checkers check payctl's stacks.
//!
//! References inside the region become `Ref` and `Fn::GetAtt`; what lies
//! elsewhere becomes a parameter of the template.

use crate::address::Address;
use crate::diagnostic::Diagnostics;
use crate::graph::Graph;
use crate::resource::schema;
use crate::stack::{Expansion, Lookup, Node, Removal};
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Encloses a reference while values are evaluated. No stack file holds it.
const MARK: char = '\u{1}';

/// Properties that CloudFormation takes as JSON text where payctl takes a
/// document, by type and path; `*` is every item of a list.
pub const TEXT: &[(&str, &str)] = &[
    ("AWS::CloudWatch::Dashboard", "DashboardBody"),
    ("AWS::Events::Rule", "Targets/*/Input"),
    ("AWS::Lambda::EventSourceMapping", "FilterCriteria/Filters/*/Pattern"),
    ("AWS::Logs::ResourcePolicy", "PolicyDocument"),
    ("AWS::SSM::Parameter", "Policies"),
    ("AWS::StepFunctions::StateMachine", "DefinitionString"),
];

/// The types whose tags CloudFormation takes as a map.
const TAG_MAPS: &[&str] = &["AWS::SSM::Parameter"];

/// Writes the template of a region (or of `global`). `account` is the account
/// number in the evaluated values; the template takes the caller's.
pub fn template(
    expansion: &Expansion,
    graph: &Graph,
    place: &str,
    account: &str,
    description: &str,
) -> Result<Value, Diagnostics> {
    let exporter = Exporter { expansion, place, account, parameters: RefCell::default() };
    let mut resources = Map::new();
    for address in graph.order().iter().filter(|address| address.place == place) {
        if let Some(node) = expansion.nodes.get(address) {
            resources.insert(logical_id(address), exporter.resource(node, graph)?);
        }
    }
    let mut template = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": description,
    });
    let parameters = exporter.parameters.into_inner();
    if !parameters.is_empty() {
        template["Parameters"] = json!(parameters);
    }
    template["Resources"] = Value::Object(resources);
    Ok(template)
}

/// Writes the document at `path` as JSON text, if there is one.
fn make_text(value: &mut Value, path: &str) {
    let (name, rest) = path.split_once('/').unwrap_or((path, ""));
    match value {
        Value::Array(items) if name == "*" => items.iter_mut().for_each(|v| make_text(v, rest)),
        Value::Object(map) if !name.is_empty() => {
            if let Some(value) = map.get_mut(name) {
                make_text(value, rest);
            }
        }
        Value::Object(_) | Value::Array(_) if name.is_empty() => {
            *value = Value::String(value.to_string());
        }
        _ => {}
    }
}

/// Writes the list of tags as a map, if there is one.
fn make_tag_map(properties: &mut Value) {
    let Some(tags) = properties.get_mut("Tags") else { return };
    let pair = |tag: &Value| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].clone()));
    let map = tags.as_array().into_iter().flatten().filter_map(pair).collect();
    *tags = Value::Object(map);
}

struct Exporter<'a> {
    expansion: &'a Expansion,
    place: &'a str,
    account: &'a str,
    parameters: RefCell<BTreeMap<String, Value>>,
}

impl Exporter<'_> {
    fn resource(&self, node: &Node, graph: &Graph) -> Result<Value, Diagnostics> {
        let meta = node.kind.meta();
        let mut properties = node.properties(self)?;
        if let Some(map) = properties.as_object_mut() {
            map.retain(|name, _| !meta.beyond_cloudformation.contains(&name.as_str()));
            for (name, value) in map.iter_mut() {
                let property = schema::at(node.kind.schema(), name).unwrap_or(&Value::Null);
                if property.get("x-asset").is_some() && value.is_string() {
                    *value = self.code(&node.address);
                }
            }
        }
        for (_, path) in TEXT.iter().filter(|(type_name, _)| *type_name == meta.type_name) {
            make_text(&mut properties, path);
        }
        if TAG_MAPS.contains(&meta.type_name) {
            make_tag_map(&mut properties);
        }
        let mut made = json!({ "Type": meta.type_name, "Properties": self.linked(&properties) });
        let depends_on = self.depends_on(node, graph);
        if !depends_on.is_empty() {
            made["DependsOn"] = json!(depends_on);
        }
        for (name, removal) in [
            ("DeletionPolicy", node.deletion_policy),
            ("UpdateReplacePolicy", node.update_replace_policy),
        ] {
            let word = if removal == Removal::Retain { "Retain" } else { "Delete" };
            made[name] = Value::from(word);
        }
        Ok(made)
    }

    /// Edges that no reference in the template says.
    fn depends_on(&self, node: &Node, graph: &Graph) -> BTreeSet<String> {
        let referred: BTreeSet<&Address> =
            node.references.iter().map(|reference| &reference.target).collect();
        graph
            .edges(&node.address)
            .filter(|edge| {
                edge.target.place == self.place
                    && !referred.contains(&edge.target)
                    && !edge.is_late()
            })
            .map(|edge| logical_id(&edge.target))
            .collect()
    }

    /// CloudFormation takes code from a bucket.
    fn code(&self, address: &Address) -> Value {
        let id = logical_id(address);
        let parameter = |suffix: &str, what: &str| {
            let name = format!("{id}Code{suffix}");
            let description = format!("{what} that holds the zipped code of {address}");
            self.parameter(&name, &description);
            json!({ "Ref": name })
        };
        json!({ "S3Bucket": parameter("Bucket", "The bucket"), "S3Key": parameter("Key", "The key of the object") })
    }

    fn parameter(&self, name: &str, description: &str) {
        let made = json!({ "Type": "String", "Description": description });
        self.parameters.borrow_mut().insert(name.to_owned(), made);
    }

    /// Returns the marked text for a node's Ref or attribute.
    fn mark(&self, target: &Address, attribute: Option<&str>) -> String {
        let id = logical_id(target);
        if target.place == self.place {
            return match attribute {
                None => format!("{MARK}{id}{MARK}"),
                Some(attribute) => format!("{MARK}{id}.{attribute}{MARK}"),
            };
        }
        let suffix: String =
            attribute.unwrap_or("Ref").chars().filter(char::is_ascii_alphanumeric).collect();
        let place: String = target.place.split('-').map(capitalized).collect();
        let name = format!("{place}{id}{suffix}");
        self.parameter(&name, &format!("{} of {target}", attribute.unwrap_or("Ref")));
        format!("{MARK}{name}{MARK}")
    }

    /// Turns marked texts into `Ref`, `Fn::GetAtt` and `Fn::Sub`.
    fn linked(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.linked_text(text),
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.linked(item)).collect())
            }
            Value::Object(map) => Value::Object(
                map.iter().map(|(name, value)| (name.clone(), self.linked(value))).collect(),
            ),
            other => other.clone(),
        }
    }

    fn linked_text(&self, text: &str) -> Value {
        // JSON text inside a string has escaped the mark.
        let text = text.replace("\\u0001", &MARK.to_string());
        if !text.contains(MARK) && !text.contains(self.account) {
            return Value::String(text);
        }
        let parts: Vec<&str> = text.split(MARK).collect();
        if let ["", target, ""] = parts.as_slice() {
            return match target.split_once('.') {
                Some((id, attribute)) => json!({ "Fn::GetAtt": [id, attribute] }),
                None => json!({ "Ref": target }),
            };
        }
        let mut sub = String::new();
        for (index, part) in parts.iter().enumerate() {
            if index % 2 == 1 {
                sub.push_str(&format_args!("${{{part}}}").to_string());
            } else {
                sub.push_str(&part.replace("${", "${!").replace(self.account, "${AWS::AccountId}"));
            }
        }
        json!({ "Fn::Sub": sub })
    }
}

impl Lookup for Exporter<'_> {
    fn reference(&self, node: &Address) -> Option<Value> {
        self.expansion.nodes.get(node)?;
        Some(Value::String(self.mark(node, None)))
    }

    fn attribute(&self, node: &Address, name: &str) -> Option<Value> {
        self.expansion.nodes.get(node)?;
        Some(Value::String(self.mark(node, Some(name))))
    }
}

/// Returns a logical id: letters and digits only.
fn logical_id(address: &Address) -> String {
    let mut id = address.resource.clone();
    for key in &address.keys {
        id.extend(key.split(|c: char| !c.is_ascii_alphanumeric()).map(capitalized));
    }
    id
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
