//! What holds for every kind, whatever AWS says about its type.

use payctl::resource::Kind;
use payctl::resources::KINDS;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Fails with everything that `rule` finds in any kind.
fn check(rule: impl Fn(&dyn Kind, &mut Vec<String>)) {
    let mut report = Vec::new();
    for kind in KINDS {
        let mut faults = Vec::new();
        rule(*kind, &mut faults);
        report.extend(faults.iter().map(|fault| format!("{}: {fault}", kind.meta().type_name)));
    }
    assert!(report.is_empty(), "{}", report.join("\n"));
}

/// Calls `visit` with each schema inside `schema` and its path.
fn walk(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(path, schema);
    let members = |key: &str| schema[key].as_object().into_iter().flatten();
    for (name, property) in members("properties") {
        walk(property, &format!("{path}/{name}"), visit);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            walk(&schema[key], &format!("{path}/*"), visit);
        }
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for branch in schema[key].as_array().into_iter().flatten() {
            walk(branch, path, visit);
        }
    }
}

#[test]
fn kinds_are_sorted_and_unique() {
    let names: Vec<_> = KINDS.iter().map(|kind| kind.meta().type_name).collect();
    let sorted: BTreeSet<_> = names.iter().copied().collect();
    assert_eq!(names, Vec::from_iter(sorted), "KINDS must be in the order of its names");
}

#[test]
fn objects_take_no_unknown_member() {
    check(|kind, faults| {
        walk(kind.schema(), "", &mut |path, schema| {
            if schema["properties"].is_object() && schema["additionalProperties"] != false {
                faults.push(format!("'{path}' lacks deny_unknown_fields"));
            }
        });
        if kind.schema()["type"] != "object" {
            faults.push("the properties are no object".to_owned());
        }
    });
}

#[test]
fn properties_and_attributes_are_described() {
    check(|kind, faults| {
        for (what, schema) in [("property", kind.schema()), ("attribute", kind.attributes())] {
            walk(schema, "", &mut |path, schema| {
                for (name, member) in schema["properties"].as_object().into_iter().flatten() {
                    if member["description"].as_str().is_none_or(str::is_empty) {
                        faults.push(format!("the {what} '{path}/{name}' has no description"));
                    }
                }
            });
        }
    });
}

#[test]
fn names_and_references_are_members() {
    check(|kind, faults| {
        let meta = kind.meta();
        let named = [meta.name.map(|rule| rule.property), meta.completes, meta.snapshots];
        for property in named.into_iter().flatten() {
            if kind.schema()["properties"][property].is_null() {
                faults.push(format!("its Meta speaks of '{property}', which is no property"));
            }
        }
        if let Some(attribute) = meta.reference
            && kind.attributes()["properties"][attribute].is_null()
        {
            faults.push(format!("Ref returns '{attribute}', which is no attribute"));
        }
    });
}

#[test]
fn every_kind_has_a_case() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds");
    let tested: BTreeSet<String> = fs::read_dir(folder)
        .expect("list the cases")
        .map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("read a case"))
        .map(|text| {
            let documents: Vec<Value> =
                serde_saphyr::from_multiple(&text).expect("a case is valid YAML");
            documents[0]["Resources"]["Subject"]["Type"].as_str().unwrap_or_default().to_owned()
        })
        .collect();
    check(|kind, faults| {
        if !tested.contains(kind.meta().type_name) {
            faults.push("no case in tests/kinds has it as its Subject".to_owned());
        }
    });
}
