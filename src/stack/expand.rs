//! From a stack and the facts of a deployment to its nodes.
//!
//! Once the nodes have their places, each is evaluated with nothing known of
//! the others, which gives its references and shows what is wrong with its
//! properties.

use super::place::{self, Instance, truth};
use super::template::Template;
use super::tree::{self, Data, Member, Tree};
use super::world::{Nowhere, View, World};
use super::{Declared, Deployment, Lookup, Placement, Removal, Resource, check, cycle, normal};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, Span};
use crate::resource::{Desired, Id, Kind, Place};
use crate::value;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

/// The nodes and outputs of a deployment.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    /// The nodes.
    pub nodes: BTreeMap<Address, Node>,
    /// The outputs, in the order of the file.
    pub outputs: Vec<Output>,
    /// The nodes' addresses in the order of the file.
    pub order: Vec<Address>,
}

/// One instance of a resource in one place. Cheap to clone.
#[derive(Clone)]
pub struct Node {
    /// Where it stands.
    pub address: Address,
    /// Its type.
    pub kind: &'static dyn Kind,
    /// The nodes that it waits for because the file says so.
    pub depends_on: Vec<Address>,
    /// The nodes that its expressions use, each once a property.
    pub references: Vec<Reference>,
    /// What becomes of it when it leaves the stack.
    pub deletion_policy: Removal,
    /// What becomes of the old one when it is replaced.
    pub update_replace_policy: Removal,
    /// The paths of the properties that a secret parameter went into, names
    /// and list indices joined by `/`.
    pub secrets: Vec<String>,
    world: Arc<World>,
    instance: Arc<Instance>,
}

/// A use of another node in a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The node that is used.
    pub target: Address,
    /// The attribute, nested names joined by `.`; `None` for its Ref.
    pub attribute: Option<String>,
    /// The top-level property that it occurs in.
    pub property: String,
    /// Whether it occurs only in items of a list property whose every
    /// reference is to the node's own region, or to no region.
    pub own_item: bool,
}

impl Reference {
    /// Returns the attribute that it uses; `None` for the identifier.
    pub(super) fn attribute_of<'a>(&'a self, target: &Node) -> Option<&'a str> {
        self.attribute.as_deref().or(target.kind.meta().reference)
    }
}

/// A value that the stack gives to its users.
#[derive(Clone)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    secret: bool,
    world: Arc<World>,
    index: usize,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("address", &self.address).finish_non_exhaustive()
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Node {
    /// Returns the desired properties: tags of the stack merged in, tags as a
    /// sorted list, null left out. What `lookup` does not know is marked as
    /// known after apply.
    pub fn properties(&self, lookup: &dyn Lookup) -> Result<Value, Diagnostics> {
        let mut problems = Vec::new();
        let tree = self.instance.tree(&self.world, lookup, None, &mut problems);
        Diagnostics::check(problems, &self.world.stack.sources)?;
        Ok(normal::normalise(tree, self.kind.schema()).to_json())
    }

    /// Whether an attribute is certain before the node is made, so that its own
    /// properties may use it.
    pub(super) fn predicts(&self, attribute: &str) -> bool {
        let Ok(properties) = self.properties(&Nowhere) else { return false };
        let place = place_of(&self.address, &self.world.deployment);
        let predicted = self.kind.predict(Desired(&properties), &place);
        predicted.get(attribute).is_some_and(|value| !value::has_unknown(value))
    }

    /// Returns one property in the same way; null if it is not set.
    pub fn property(&self, name: &str, lookup: &dyn Lookup) -> Result<Value, Diagnostics> {
        let mut problems = Vec::new();
        let tree = self.instance.tree(&self.world, lookup, Some(name), &mut problems);
        Diagnostics::check(problems, &self.world.stack.sources)?;
        let mut value = normal::normalise(tree, self.kind.schema()).to_json();
        Ok(value.get_mut(name).map(Value::take).unwrap_or_default())
    }
}

impl Output {
    /// Returns the value; what `lookup` does not know is marked as known after
    /// apply.
    pub fn value(&self, lookup: &dyn Lookup) -> Result<Value, Diagnostics> {
        let mut problems = Vec::new();
        let view = View::outside(&self.world, lookup);
        let tree = self.declaration().evaluate(&view, &mut problems);
        Diagnostics::check(problems, &self.world.stack.sources)?;
        Ok(tree.to_json())
    }

    /// Whether a secret parameter went into it.
    pub fn secret(&self) -> bool {
        self.secret
    }

    fn declaration(&self) -> &Template {
        &self.world.stack.outputs[self.index].value
    }
}

/// Expands a stack, or returns everything that is wrong with it here.
pub(super) fn expand(
    stack: &Arc<Declared>,
    deployment: &Deployment,
) -> Result<Expansion, Diagnostics> {
    Diagnostics::check(deployment_faults(stack, deployment), &stack.sources)?;
    let mut problems = Vec::new();
    let mut world = World::new(Arc::clone(stack), deployment);
    let (nodes, instances) = place::place(&world, &mut problems);
    world.nodes = nodes;
    let world = Arc::new(world);
    let mut builder = Builder { world: &world, names: HashMap::new(), problems: &mut problems };
    let mut expansion =
        Expansion { nodes: BTreeMap::new(), outputs: Vec::new(), order: Vec::new() };
    for (address, instance) in instances {
        let node = builder.node(address.clone(), instance);
        expansion.nodes.insert(address.clone(), node);
        expansion.order.push(address);
    }
    for index in 0..stack.outputs.len() {
        expansion.outputs.extend(builder.output(index));
    }
    cycle::check(&expansion, stack, &mut problems);
    Diagnostics::check(problems, &stack.sources)?;
    Ok(expansion)
}

fn deployment_faults(stack: &Declared, deployment: &Deployment) -> Vec<Diagnostic> {
    let regions = &deployment.regions;
    let missing = |name: &&str| !deployment.parameters.contains_key(*name);
    let names = stack.parameters.iter().map(|parameter| parameter.name.as_str());
    let mut problems: Vec<_> = names
        .filter(missing)
        .map(|name| Diagnostic::new(format!("parameter `{name}` has no value")))
        .collect();
    if regions.is_empty() {
        problems
            .push(Diagnostic::new("the deployment has no region").help(
                "name one: `Regions: [us-east-1]` in the stack file, or --regions us-east-1",
            ));
    } else if !regions.contains(&deployment.primary) {
        problems.push(
            Diagnostic::new(format!(
                "the primary region `{}` is not one of the deployment's",
                deployment.primary
            ))
            .help(format!("its regions are {}", regions.join(", "))),
        );
    }
    problems
}

impl Instance {
    fn view<'a>(&'a self, world: &'a World, lookup: &'a dyn Lookup) -> View<'a> {
        View {
            world,
            region: self.region.as_deref(),
            placement: world.nodes[self.resource].placement.unwrap_or(Placement::Regional),
            locals: &self.locals,
            lookup,
        }
    }

    /// Evaluates the properties, or only one of them.
    fn tree(
        &self,
        world: &World,
        lookup: &dyn Lookup,
        only: Option<&str>,
        problems: &mut Vec<Diagnostic>,
    ) -> Tree {
        let resource = &world.stack.resources[self.resource];
        let view = self.view(world, lookup);
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        let mut members: Vec<Member> = resource
            .properties
            .iter()
            .filter(|property| wanted(&property.name))
            .map(|property| Member {
                name: property.name.clone(),
                span: property.span,
                value: property.template.evaluate(&view, problems),
            })
            .collect();
        if resource.kind.meta().taggable && wanted("Tags") {
            add_tags(&mut members, &view, problems);
        }
        Tree::new(resource.span, Data::Map(members))
    }
}

/// Adds the stack's tags. One that tells the region is left out where there is
/// none.
fn add_tags(members: &mut Vec<Member>, view: &View<'_>, problems: &mut Vec<Diagnostic>) {
    let mut common = Vec::new();
    for tag in &view.world.stack.tags {
        let name = tag.name.evaluate(view, problems);
        let value = tag.value.evaluate(view, problems);
        if let Some(name) = name.as_str()
            && !matches!(value.data, Data::Unknown(_))
        {
            common.push(Member { name: name.to_owned(), span: tag.span, value });
        }
    }
    let Some(first) = common.first() else { return };
    let span = first.span;
    let own = members.iter().position(|member| member.name == "Tags");
    let own = own.map(|index| members.remove(index));
    let at = own.as_ref().map_or(span, |own| own.span);
    let own = own.map(|own| own.value).filter(|value| !value.is_null());
    let value = normal::merge(own, Tree::new(span, Data::Map(common)));
    members.push(Member { name: "Tags".to_owned(), span: at, value });
}

/// Builds nodes and checks what shows when they are evaluated.
struct Builder<'a> {
    world: &'a Arc<World>,
    /// The nodes that have a physical name already.
    names: HashMap<(&'static str, String, Id), Address>,
    problems: &'a mut Vec<Diagnostic>,
}

impl Builder<'_> {
    fn node(&mut self, address: Address, instance: Instance) -> Node {
        let world = Arc::clone(self.world);
        let resource = &world.stack.resources[instance.resource];
        let kind = resource.kind;
        let before = self.problems.len();
        let tree = instance.tree(&world, &Nowhere, None, self.problems);
        check::properties(&tree, kind, &self.world.stack.root, self.problems);
        if self.problems.len() == before {
            self.check_kind(&address, &tree, resource);
        }
        let view = instance.view(&world, &Nowhere);
        let deletion_policy = self.policy(resource.deletion.as_ref(), &view);
        let update_replace_policy = self.policy(resource.replacement.as_ref(), &view);
        let mut secrets = Vec::new();
        for member in tree.members() {
            member.value.secret_paths(&member.name, &mut secrets);
        }
        Node {
            depends_on: self.depends_on(&address, resource, view.placement),
            references: references(&address, &tree),
            address,
            kind,
            deletion_policy,
            update_replace_policy,
            secrets,
            world: Arc::clone(&world),
            instance: Arc::new(instance),
        }
    }

    /// Asks the kind for the rules that a schema cannot say, and for the
    /// physical name, which must be the node's alone.
    fn check_kind(&mut self, address: &Address, tree: &Tree, resource: &Resource) {
        let kind = resource.kind;
        let value = normal::normalise(tree.clone(), kind.schema()).to_json();
        for fault in kind.check(Desired(&value)) {
            let span = span_of(tree, &fault.property);
            self.problems.push(Diagnostic::at(span, fault.message).label(fault.property));
        }
        let place = place_of(address, &self.world.deployment);
        let Some(id) = kind.identity(Desired(&value), &place) else { return };
        let type_name = kind.meta().type_name;
        let name = (type_name, address.place.clone(), id);
        if let Some(first) = self.names.get(&name) {
            let property = tree.get(kind.meta().name.map_or("", |rule| rule.property));
            let span = property.map_or(resource.span, |name| name.span);
            let secret = property.is_some_and(|name| name.secret);
            let shown = if secret { "this".to_owned() } else { format!("`{}`", name.2) };
            self.problems.push(same_name(span, &shown, first, address));
            return;
        }
        self.names.insert(name, address.clone());
    }

    fn policy(&mut self, template: Option<&Template>, view: &View<'_>) -> Removal {
        let Some(template) = template else { return Removal::Delete };
        let tree = template.evaluate(view, self.problems);
        Removal::named(tree.as_str()).unwrap_or_else(|| {
            self.problems.push(Removal::unknown(template.span, &tree.describe()));
            Removal::Delete
        })
    }

    /// Returns the nodes that `DependsOn` means: those in the same region, or
    /// all of them for a node that stands alone.
    fn depends_on(
        &self,
        address: &Address,
        resource: &Resource,
        placement: Placement,
    ) -> Vec<Address> {
        let mut found = Vec::new();
        for (name, _) in &resource.depends_on {
            let Some(index) = self.world.stack.by_name.get(name) else { continue };
            let target = &self.world.nodes[*index];
            let here =
                placement == Placement::Regional && target.placement == Some(Placement::Regional);
            let wanted = |target: &&Address| !here || target.place == address.place;
            for target in target.addresses.iter().filter(wanted) {
                if !found.contains(target) {
                    found.push(target.clone());
                }
            }
        }
        found
    }

    fn output(&mut self, index: usize) -> Option<Output> {
        let declared = &self.world.stack.outputs[index];
        let view = View::outside(self.world, &Nowhere);
        if let Some(condition) = &declared.condition
            && !truth(condition, &view, self.problems)
        {
            return None;
        }
        let description = declared.description.as_ref().and_then(|description| {
            let tree = description.evaluate(&view, self.problems);
            tree.as_str().map(str::to_owned)
        });
        let mut secrets = Vec::new();
        declared.value.evaluate(&view, self.problems).secret_paths("", &mut secrets);
        Some(Output {
            name: declared.name.clone(),
            description,
            secret: !secrets.is_empty(),
            world: Arc::clone(self.world),
            index,
        })
    }
}

/// Returns the account and region of a node.
fn place_of(address: &Address, deployment: &Deployment) -> Place {
    let region = match (address.is_global(), deployment.partition.as_str()) {
        (false, _) => &address.place,
        (true, "aws-cn") => "cn-north-1",
        (true, "aws-us-gov") => "us-gov-west-1",
        (true, _) => "us-east-1",
    };
    Place {
        region: region.to_owned(),
        account: deployment.account.clone(),
        partition: deployment.partition.clone(),
    }
}

/// Returns where a property stands, or as much of the way to it as there is.
fn span_of(tree: &Tree, path: &str) -> Span {
    let first = path.split('/').next().unwrap_or_default();
    match tree.members().iter().find(|member| member.name == first) {
        Some(member) if path == first && member.value.is_null() => member.span,
        _ => tree.nearest(path).span,
    }
}

fn same_name(span: Span, id: &str, first: &Address, second: &Address) -> Diagnostic {
    if first.resource == second.resource {
        let summary = format!("the nodes of `{}` share one physical name", first.resource);
        return Diagnostic::at(span, summary)
            .label(format!("{id} is {first} already"))
            .help("put the ForEach variable into the name");
    }
    let summary =
        format!("`{}` has the same physical name as `{}`", second.resource, first.resource);
    Diagnostic::at(span, summary)
        .label(format!("{id} is {first} already"))
        .help("two resources of one type cannot share a name in one place: change one of them")
}

/// Returns what a node uses, each once a property.
fn references(address: &Address, tree: &Tree) -> Vec<Reference> {
    let is_own = |target: &Address| target.place == address.place || target.is_global();
    let mut found: Vec<Reference> = Vec::new();
    for member in tree.members() {
        let first = found.len();
        let mut add = |tree: &Tree, own_item: bool| {
            tree.visit_uses(&mut |used| {
                let known = found[first..]
                    .iter_mut()
                    .find(|r| r.target == used.target && r.attribute == used.attribute);
                match known {
                    Some(known) => known.own_item &= own_item,
                    None => found.push(Reference {
                        target: used.target.clone(),
                        attribute: used.attribute.clone(),
                        property: member.name.clone(),
                        own_item,
                    }),
                }
            });
        };
        match &member.value.data {
            tree::Data::List(items) if member.value.uses.is_empty() => {
                for item in items {
                    let mut own = true;
                    item.visit_uses(&mut |used| own &= is_own(&used.target));
                    add(item, own);
                }
            }
            _ => add(&member.value, false),
        }
    }
    found
}
