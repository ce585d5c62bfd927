//! Finds where a kind differs from AWS's schema of its type.

use super::provider::Provider;
use super::shape::Shape;
use payctl::export::TEXT;
use payctl::resource::Kind;
use serde_json::Value;
use std::collections::BTreeSet;

/// Where a kind differs from AWS.
#[derive(Default)]
pub(crate) struct Differences {
    /// Path and difference: each is a fault or needs a reason.
    pub(crate) found: BTreeSet<(String, String)>,
    /// Nested properties that AWS has and payctl does not.
    pub(crate) missing: BTreeSet<String>,
    /// What is worth a look but may well be right.
    pub(crate) notes: BTreeSet<(String, String)>,
}

/// Compares a kind with AWS's schema.
pub(crate) fn compare(kind: &dyn Kind, provider: &Provider) -> Differences {
    let mut comparison = Comparison { kind, provider, differences: Differences::default() };
    comparison.properties(&Shape::of(kind.schema()), &provider.shape, &Path::default(), false);
    comparison.unsupported();
    comparison.attributes();
    comparison.tags();
    comparison.differences
}

/// Where a value is: as shown (`A/*/B`), and as AWS's lists of paths have it.
#[derive(Clone, Default)]
struct Path {
    shown: Vec<String>,
    plain: Vec<String>,
}

impl Path {
    fn member(&self, name: &str) -> Self {
        let mut path = self.clone();
        path.shown.push(name.to_owned());
        path.plain.push(name.to_owned());
        path
    }

    fn items(&self) -> Self {
        let mut path = self.clone();
        path.shown.push("*".to_owned());
        path
    }

    fn is_in(&self, paths: &BTreeSet<String>) -> bool {
        paths.contains(&self.plain.join("/"))
    }
}

struct Comparison<'a> {
    kind: &'a dyn Kind,
    provider: &'a Provider,
    differences: Differences,
}

impl Comparison<'_> {
    fn found(&mut self, path: &Path, what: impl Into<String>) {
        self.differences.found.insert((path.shown.join("/"), what.into()));
    }

    /// Compares the members of two objects. `is_replaced` says that a change
    /// anywhere in them replaces the resource.
    fn properties(&mut self, ours: &Shape, aws: &Shape, path: &Path, is_replaced: bool) {
        for (name, property) in &ours.properties {
            let path = path.member(name);
            match aws.properties.get(name) {
                None if self.is_beyond_cloudformation(&path) => {}
                None => self.found(&path, "unknown to AWS"),
                Some(_) if path.is_in(&self.provider.read_only) => {
                    self.found(&path, "read only at AWS")
                }
                Some(other) => {
                    if ours.required.contains(name) != aws.required.contains(name) {
                        let who = if ours.required.contains(name) { "payctl" } else { "AWS" };
                        self.found(&path, format!("required only by {who}"));
                    }
                    self.value(property, other, &path, is_replaced);
                }
            }
        }
        for name in aws.properties.keys().filter(|name| !ours.properties.contains_key(*name)) {
            let path = path.member(name);
            if path.is_in(&self.provider.read_only) {
                continue;
            }
            if path.shown.len() > 1 {
                self.differences.missing.insert(path.shown.join("/"));
            } else if !self.kind.meta().unsupported.contains(&name.as_str()) {
                self.found(&path, "neither known nor listed as unsupported");
            }
        }
    }

    /// Whether AWS has the property although CloudFormation's type lacks it.
    fn is_beyond_cloudformation(&self, path: &Path) -> bool {
        self.kind.meta().beyond_cloudformation.contains(&path.shown.join("/").as_str())
    }

    fn value(&mut self, ours: &Shape, aws: &Shape, path: &Path, is_replaced: bool) {
        let is_replaced = self.replacement(ours, path, is_replaced);
        if path.is_in(&self.provider.write_only) != ours.is("x-write-only") {
            let who = if ours.is("x-write-only") { "payctl" } else { "AWS" };
            let note = (path.shown.join("/"), format!("write only for {who} alone"));
            self.differences.notes.insert(note);
        }
        if ours.is("x-tags") {
            return;
        }
        if ours.is("x-json") {
            self.document(aws, path);
            return;
        }
        let is_narrower = !ours.types.is_empty() && ours.types.is_subset(&aws.types);
        if !aws.types.is_empty() && !is_narrower {
            self.found(
                path,
                format!("{} for payctl, {} for AWS", list(&ours.types), list(&aws.types)),
            );
        }
        self.values(ours, aws, path);
        // Some of AWS's lists may also be an object, for historical reasons.
        if ours.types.contains("object") {
            self.properties(ours, aws, path, is_replaced);
        }
        if let (Some(ours), Some(aws)) = (&ours.items, &aws.items) {
            self.value(ours, aws, &path.items(), is_replaced);
        }
    }

    /// A free document must be one for AWS too: JSON text, or an object whose
    /// members AWS does not say.
    fn document(&mut self, aws: &Shape, path: &Path) {
        let is_free = aws.types.is_empty()
            || aws.types.contains("string")
            || aws.types.contains("object") && aws.properties.is_empty();
        if !is_free {
            self.found(path, "any document for payctl, while AWS says what is in it");
        }
        let type_name = self.kind.meta().type_name;
        let is_text = TEXT.contains(&(type_name, &path.shown.join("/")));
        if !is_text && aws.types.iter().eq(["string"]) {
            self.found(path, "CloudFormation takes JSON text, which export::TEXT does not say");
        }
    }

    /// Compares what a change replaces, and returns whether one does. A change
    /// to what is in a replaced value replaces too.
    fn replacement(&mut self, ours: &Shape, path: &Path, is_replaced: bool) -> bool {
        let by_us = ours.is("x-replace");
        let by_aws = path.is_in(&self.provider.create_only);
        if !is_replaced && by_us != by_aws && !path.is_in(&self.provider.conditional) {
            let who = if by_us { "payctl" } else { "AWS" };
            self.found(path, format!("replaced only by {who}"));
        }
        is_replaced || by_us || by_aws
    }

    fn values(&mut self, ours: &Shape, aws: &Shape, path: &Path) {
        let nothing = BTreeSet::new();
        match (&ours.values, &aws.values) {
            (None, None) => {}
            (Some(_), None) => self.found(path, "values listed only by payctl"),
            (ours, Some(aws)) => {
                let ours = ours.as_ref().unwrap_or(&nothing);
                let lacking: BTreeSet<_> = aws.difference(ours).cloned().collect();
                let invented: BTreeSet<_> = ours.difference(aws).cloned().collect();
                if ours.is_empty() {
                    self.found(path, format!("values listed only by AWS ({})", list(aws)));
                } else if !lacking.is_empty() {
                    self.found(path, format!("lacks the values ({})", list(&lacking)));
                }
                if !invented.is_empty() {
                    self.found(path, format!("has values unknown to AWS ({})", list(&invented)));
                }
            }
        }
    }

    /// What is listed as unsupported must exist at AWS and not here.
    fn unsupported(&mut self) {
        let ours = Shape::of(self.kind.schema());
        for name in self.kind.meta().unsupported {
            let path = Path::default().member(name);
            if !self.provider.shape.properties.contains_key(*name) {
                self.found(&path, "listed as unsupported but unknown to AWS");
            } else if ours.properties.contains_key(*name) {
                self.found(&path, "listed as unsupported but known");
            }
        }
        for name in self.kind.meta().beyond_cloudformation {
            if self.provider.shape.properties.contains_key(*name) {
                let path = Path::default().member(name);
                self.found(&path, "listed as beyond CloudFormation but known to it");
            }
        }
    }

    fn attributes(&mut self) {
        let mut ours = BTreeSet::new();
        attribute_names(&Shape::of(self.kind.attributes()), "", &mut ours);
        let unsupported = self.kind.meta().unsupported_attributes;
        // AWS lists what is inside lists too, which no reference can reach.
        let aws: BTreeSet<_> =
            self.provider.read_only.iter().map(|path| path.replace('/', ".")).collect();
        let attribute = |name: &str| Path::default().member(&format!("GetAtt {name}"));
        for name in &ours {
            // What `Ref` returns need not be an attribute of CloudFormation's.
            let is_known = |known: &String| overlap(known, name);
            if self.kind.meta().reference != Some(name)
                && !self.provider.attributes.iter().any(is_known)
                && !aws.iter().any(is_known)
            {
                self.found(&attribute(name), "unknown to AWS");
            }
        }
        for name in &aws {
            let owner = name.split('.').next().unwrap_or_default();
            let is_listed = unsupported.iter().any(|listed| overlap(listed, name))
                || self.kind.meta().unsupported.contains(&owner);
            if !is_listed && !ours.iter().any(|known| overlap(known, name)) {
                self.found(&attribute(name), "neither known nor listed as unsupported");
            }
        }
        for name in unsupported {
            if !aws.iter().any(|known| overlap(known, name)) {
                self.found(&attribute(name), "listed as unsupported but unknown to AWS");
            } else if ours.contains(*name) {
                self.found(&attribute(name), "listed as unsupported but known");
            }
        }
    }

    fn tags(&mut self) {
        let meta = self.kind.meta();
        let path = Path::default().member("Tags");
        let may_differ = if meta.taggable {
            self.is_beyond_cloudformation(&path)
        } else {
            meta.unsupported.contains(&"Tags")
        };
        if meta.taggable != self.provider.taggable && !may_differ {
            let who = if meta.taggable { "payctl" } else { "AWS" };
            self.found(&path, format!("taggable only for {who}"));
        }
        if meta.taggable && self.kind.schema()["properties"]["Tags"] == Value::Null {
            self.found(&path, "taggable without this property");
        }
    }
}

/// Collects the names of attributes, nested ones with dots.
fn attribute_names(shape: &Shape, prefix: &str, found: &mut BTreeSet<String>) {
    for (name, attribute) in &shape.properties {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        if attribute.properties.is_empty() {
            found.insert(name);
        } else {
            attribute_names(attribute, &name, found);
        }
    }
}

/// Whether two attributes are the same or one is in the other.
fn overlap(one: &str, other: &str) -> bool {
    let (short, long) = if one.len() < other.len() { (one, other) } else { (other, one) };
    long.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn list(names: &BTreeSet<String>) -> String {
    names.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}
