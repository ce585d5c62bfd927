//! Finds nodes that wait for each other.
//!
//! A node has two moments, *created* and *ready*. A late property waits only
//! for its targets' *created*, and holds up only its own node's *ready*, so
//! that buckets which replicate to each other are no cycle.

use super::{Declared, Expansion};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Span};
use crate::resource::schema;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;
use std::collections::{HashMap, HashSet, VecDeque};

/// Why a node waits for another.
struct Wait<'a> {
    from: &'a Address,
    to: &'a Address,
    why: String,
    span: Span,
}

/// The number of a wait; `None` between the two moments of one node.
type Edge = Option<usize>;

/// Reports every group of nodes that wait for each other, by one loop of it.
pub(super) fn check(expansion: &Expansion, stack: &Declared, problems: &mut Vec<Diagnostic>) {
    let mut graph: DiGraph<(), Edge> = DiGraph::new();
    let moments: HashMap<&Address, (NodeIndex, NodeIndex)> = expansion
        .order
        .iter()
        .map(|address| {
            let (created, ready) = (graph.add_node(()), graph.add_node(()));
            graph.add_edge(ready, created, None);
            (address, (created, ready))
        })
        .collect();
    let mut waits = Vec::new();
    for address in &expansion.order {
        waits_of(address, expansion, stack, &moments, &mut graph, &mut waits);
    }
    let mut groups: Vec<_> = kosaraju_scc(&graph)
        .into_iter()
        .filter_map(|group| Some((group.iter().min().copied()?, group)))
        .collect();
    groups.sort();
    for (start, group) in groups {
        if let Some(cycle) = shortest(&graph, start, &group) {
            problems.extend(report(&cycle, &waits));
        }
    }
}

fn waits_of<'a>(
    address: &'a Address,
    expansion: &'a Expansion,
    stack: &Declared,
    moments: &HashMap<&Address, (NodeIndex, NodeIndex)>,
    graph: &mut DiGraph<(), Edge>,
    waits: &mut Vec<Wait<'a>>,
) {
    let Some(node) = expansion.nodes.get(address) else { return };
    let Some(resource) = stack.by_name.get(&address.resource).map(|i| &stack.resources[*i]) else {
        return;
    };
    let Some(&(created, ready)) = moments.get(address) else { return };
    for reference in &node.references {
        let Some(target) = expansion.nodes.get(&reference.target) else { continue };
        let Some(&(target_created, target_ready)) = moments.get(&reference.target) else {
            continue;
        };
        let attribute = reference.attribute.as_deref().or(target.kind.meta().reference);
        if reference.target == *address && attribute.is_some_and(|name| node.predicts(name)) {
            continue;
        }
        let property = |mark| schema::marked(node.kind.schema(), &reference.property, mark);
        // What a late property refers to in the node's own region is set at once.
        let late = property("x-late") && !reference.own_item;
        let is_early = attribute.is_none_or(|name| {
            schema::marked_within(target.kind.attributes(), &name.replace('.', "/"), "x-early")
        });
        let soon = late || is_early && !property("x-needs-ready");
        let from = if late { ready } else { created };
        let to = if soon { target_created } else { target_ready };
        let span = resource.properties.iter().find(|p| p.name == reference.property);
        let used = reference.attribute.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
        graph.add_edge(from, to, Some(waits.len()));
        waits.push(Wait {
            from: address,
            to: &reference.target,
            why: format!("its {} uses {}{used}", reference.property, reference.target.resource),
            span: span.map_or(resource.span, |property| property.template.span),
        });
    }
    for target in &node.depends_on {
        let Some(&(_, target_ready)) = moments.get(target) else { continue };
        graph.add_edge(created, target_ready, Some(waits.len()));
        let named = resource.depends_on.iter().find(|(name, _)| *name == target.resource);
        waits.push(Wait {
            from: address,
            to: target,
            why: "its DependsOn names it".to_owned(),
            span: named.map_or(resource.span, |(_, span)| *span),
        });
    }
}

/// Returns the edges of a shortest loop through `start`, inside of its group.
fn shortest(graph: &DiGraph<(), Edge>, start: NodeIndex, group: &[NodeIndex]) -> Option<Vec<Edge>> {
    let inside: HashSet<_> = group.iter().copied().collect();
    let mut reached: HashMap<NodeIndex, (NodeIndex, Edge)> = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for edge in graph.edges(at).filter(|edge| inside.contains(&edge.target())) {
            if edge.target() == start {
                let mut loop_ = vec![*edge.weight()];
                let mut back = at;
                while back != start {
                    let (before, weight) = reached.get(&back)?;
                    loop_.push(*weight);
                    back = *before;
                }
                loop_.reverse();
                return Some(loop_);
            }
            reached.entry(edge.target()).or_insert_with(|| {
                queue.push_back(edge.target());
                (at, *edge.weight())
            });
        }
    }
    None
}

fn report(cycle: &[Edge], waits: &[Wait<'_>]) -> Option<Diagnostic> {
    let hops: Vec<&Wait<'_>> = cycle.iter().flatten().map(|index| &waits[*index]).collect();
    let first = hops.first()?;
    if let [only] = hops.as_slice() {
        return Some(
            Diagnostic::at(only.span, format!("`{}` waits for itself", only.from.resource))
                .label(only.why.clone()),
        );
    }
    let names: Vec<_> = hops.iter().map(|hop| hop.from.resource.as_str()).collect();
    let summary = format!("a cycle: {} → {}", names.join(" → "), first.from.resource);
    let mut problem = Diagnostic::at(first.span, summary).label("the loop begins here");
    for hop in &hops {
        problem = problem.note(format!("{} waits for {}: {}", hop.from, hop.to, hop.why));
    }
    Some(problem.help("take one of these references out, or write out its value (a name, an ARN)"))
}
