//! Finds nodes that wait for each other.
//!
//! A late property waits only for its targets' *created*, and holds up only its
//! own node's *ready*, so that buckets which replicate to each other are no
//! cycle.

use super::{Declared, Edge, Expansion, Moment};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Span};
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
type Hop = Option<usize>;

/// The moments of the nodes in the graph.
type Moments<'a> = HashMap<(&'a Address, Moment), NodeIndex>;

/// Reports every group of nodes that wait for each other, by one loop of it.
pub(super) fn check(expansion: &Expansion, stack: &Declared, problems: &mut Vec<Diagnostic>) {
    let mut graph: DiGraph<(), Hop> = DiGraph::new();
    let mut moments = Moments::new();
    for address in &expansion.order {
        let (created, ready) = (graph.add_node(()), graph.add_node(()));
        graph.add_edge(ready, created, None);
        moments.extend([((address, Moment::Created), created), ((address, Moment::Ready), ready)]);
    }
    let mut waits = Vec::new();
    for address in &expansion.order {
        for (edge, wait) in waits_of(address, expansion, stack) {
            let from = moments.get(&(address, edge.holds));
            let to = moments.get(&(wait.to, edge.until));
            if let (Some(&from), Some(&to)) = (from, to) {
                graph.add_edge(from, to, Some(waits.len()));
                waits.push(wait);
            }
        }
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

/// Returns what a node waits for, and why.
fn waits_of<'a>(
    address: &'a Address,
    expansion: &'a Expansion,
    stack: &Declared,
) -> Vec<(Edge, Wait<'a>)> {
    let (node, resource) = (expansion.nodes.get(address), stack.by_name.get(&address.resource));
    let (Some(node), Some(&resource)) = (node, resource) else { return Vec::new() };
    let resource = &stack.resources[resource];
    let mut waits = Vec::new();
    for reference in &node.references {
        let Some(target) = expansion.nodes.get(&reference.target) else { continue };
        let attribute = reference.attribute_of(target);
        if reference.target == *address && attribute.is_some_and(|name| node.predicts(name)) {
            continue;
        }
        let span = resource.properties.iter().find(|p| p.name == reference.property);
        let used = reference.attribute.as_ref().map(|name| format!(".{name}")).unwrap_or_default();
        let wait = Wait {
            from: address,
            to: &reference.target,
            why: format!("its {} uses {}{used}", reference.property, reference.target.resource),
            span: span.map_or(resource.span, |property| property.template.span),
        };
        waits.push((Edge::of(node, reference, target), wait));
    }
    for target in &node.depends_on {
        let named = resource.depends_on.iter().find(|(name, _)| *name == target.resource);
        let wait = Wait {
            from: address,
            to: target,
            why: "its DependsOn names it".to_owned(),
            span: named.map_or(resource.span, |(_, span)| *span),
        };
        waits.push((Edge::whole(target), wait));
    }
    waits
}

/// Returns the edges of a shortest loop through `start`, inside of its group.
fn shortest(graph: &DiGraph<(), Hop>, start: NodeIndex, group: &[NodeIndex]) -> Option<Vec<Hop>> {
    let inside: HashSet<_> = group.iter().copied().collect();
    let mut reached: HashMap<NodeIndex, (NodeIndex, Hop)> = HashMap::new();
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

fn report(cycle: &[Hop], waits: &[Wait<'_>]) -> Option<Diagnostic> {
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
