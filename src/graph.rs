//! The dependency graph: which moment of which node waits for which.
//!
//! A node has two moments. It is *created* when AWS has named it, and *ready*
//! when it can be used. An edge joins moments, so that a user of an ARN need
//! not wait for a function to become active, and two buckets may replicate to
//! each other.

use crate::address::Address;
use crate::stack::{Expansion, Node};
use petgraph::Direction;
use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef as _;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write as _;

pub use crate::stack::{Edge, Moment};

/// Nodes that wait for each other in a circle, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle(pub Vec<Address>);

/// The graph of a deployment's nodes.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    edges: BTreeMap<Address, BTreeSet<Edge>>,
    order: Vec<Address>,
}

/// The nodes as the passes see them.
type Nodes = BTreeMap<Address, Node>;

/// A step in building the graph.
type Pass = fn(&mut Graph, &Nodes);

/// The passes that build the graph, in order: a pass may rely on the edges of
/// those before it.
const PASSES: &[(&str, Pass)] = &[
    ("nodes", add_nodes),
    ("references", add_references),
    ("explicit dependencies", add_explicit),
    // Needs all other edges: it must not close a circle.
    ("attachments", add_attachments),
];

impl Graph {
    /// Builds the graph of an expanded stack.
    pub fn of(expansion: &Expansion) -> Result<Self, Cycle> {
        let mut graph = Self::default();
        for (name, pass) in PASSES {
            pass(&mut graph, &expansion.nodes);
            tracing::trace!(
                pass = name,
                edges = graph.edges.values().map(BTreeSet::len).sum::<usize>(),
                "Graph pass"
            );
        }
        graph.order = graph.sorted(&expansion.order)?;
        Ok(graph)
    }

    /// Returns the nodes, each after what it waits for; otherwise in the order
    /// of the stack file.
    pub fn order(&self) -> &[Address] {
        &self.order
    }

    /// Returns what a node waits for.
    pub fn edges(&self, address: &Address) -> impl Iterator<Item = &Edge> {
        self.edges.get(address).into_iter().flatten()
    }

    fn add(&mut self, from: &Address, edge: Edge) {
        if *from != edge.target {
            self.edges.entry(from.clone()).or_default().insert(edge);
        }
    }

    /// Sorts by petgraph over moments; within freedom, by `preferred`.
    fn sorted(&self, preferred: &[Address]) -> Result<Vec<Address>, Cycle> {
        let mut graph = DiGraph::<(&Address, Moment), ()>::new();
        let mut index: HashMap<(&Address, Moment), NodeIndex> = HashMap::new();
        for address in preferred {
            let created = graph.add_node((address, Moment::Created));
            let ready = graph.add_node((address, Moment::Ready));
            graph.add_edge(created, ready, ());
            index.insert((address, Moment::Created), created);
            index.insert((address, Moment::Ready), ready);
        }
        for (address, edges) in &self.edges {
            for edge in edges {
                let ends =
                    (index.get(&(&edge.target, edge.until)), index.get(&(address, edge.holds)));
                if let (Some(&from), Some(&to)) = ends {
                    graph.update_edge(from, to, ());
                }
            }
        }
        if toposort(&graph, None).is_err() {
            return Err(self.cycle(&graph));
        }
        Ok(stable_order(&graph, preferred))
    }

    fn cycle(&self, graph: &DiGraph<(&Address, Moment), ()>) -> Cycle {
        let loops = tarjan_scc(graph);
        let members: HashSet<NodeIndex> =
            loops.into_iter().find(|members| members.len() > 1).into_iter().flatten().collect();
        let Some(start) = members.iter().min_by_key(|index| graph[**index]).copied() else {
            return Cycle(Vec::new());
        };
        // Walk against the edges until a node repeats: what it waits for next.
        let mut path: Vec<NodeIndex> = vec![start];
        loop {
            let here = path[path.len() - 1];
            let next = graph
                .neighbors_directed(here, Direction::Incoming)
                .filter(|next| members.contains(next))
                .min_by_key(|next| graph[*next]);
            let Some(next) = next else { break };
            if let Some(first) = path.iter().position(|seen| *seen == next) {
                path.drain(..first);
                break;
            }
            path.push(next);
        }
        let mut addresses: Vec<Address> =
            path.into_iter().map(|index| graph[index].0.clone()).collect();
        addresses.dedup();
        if addresses.len() > 1 && addresses.first() == addresses.last() {
            addresses.pop();
        }
        Cycle(addresses)
    }
}

/// Kahn's algorithm that always takes the free node which the file names
/// first, so that plans read like the file and are the same on every run. The
/// order is that of the *created* moments.
fn stable_order(graph: &DiGraph<(&Address, Moment), ()>, preferred: &[Address]) -> Vec<Address> {
    let rank: HashMap<&Address, usize> =
        preferred.iter().enumerate().map(|(rank, a)| (a, rank)).collect();
    let key = |index: NodeIndex| {
        let (address, moment) = graph[index];
        // A free *ready* moment only frees others: take it at once.
        (moment == Moment::Created, rank[address], index)
    };
    let mut waits: HashMap<NodeIndex, usize> = HashMap::new();
    let mut free = BTreeSet::new();
    for index in graph.node_indices() {
        let count = graph.edges_directed(index, Direction::Incoming).count();
        waits.insert(index, count);
        if count == 0 {
            free.insert(key(index));
        }
    }
    let mut order = Vec::new();
    while let Some((_, _, index)) = free.pop_first() {
        let (address, moment) = graph[index];
        if moment == Moment::Created {
            order.push(address.clone());
        }
        for edge in graph.edges_directed(index, Direction::Outgoing) {
            if let Some(count) = waits.get_mut(&edge.target()) {
                *count -= 1;
                if *count == 0 {
                    free.insert(key(edge.target()));
                }
            }
        }
    }
    order
}

fn add_nodes(graph: &mut Graph, nodes: &Nodes) {
    for address in nodes.keys() {
        graph.edges.entry(address.clone()).or_default();
    }
}

fn add_references(graph: &mut Graph, nodes: &Nodes) {
    for (address, node) in nodes {
        for reference in &node.references {
            let Some(target) = nodes.get(&reference.target) else { continue };
            graph.add(address, Edge::of(node, reference, target));
        }
    }
}

fn add_explicit(graph: &mut Graph, nodes: &Nodes) {
    for (address, node) in nodes {
        for target in &node.depends_on {
            graph.add(address, Edge::whole(target));
        }
    }
}

/// Whoever uses a resource waits for what completes it too (a role's policies,
/// an API's methods), unless that itself waits for the user.
fn add_attachments(graph: &mut Graph, nodes: &Nodes) {
    let mut attachments: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for (address, target) in completions(nodes) {
        attachments.entry(target).or_default().insert(address);
    }
    for (target, attachments) in &attachments {
        let before: HashSet<Address> =
            attachments.iter().flat_map(|attachment| graph.ancestors(attachment)).collect();
        let users: Vec<Address> = graph
            .edges
            .iter()
            .filter(|(user, edges)| {
                let uses = edges
                    .iter()
                    .any(|edge| edge.target == *target && edge.holds == Moment::Created);
                uses && !attachments.contains(*user) && !before.contains(*user)
            })
            .map(|(user, _)| user.clone())
            .collect();
        for user in users {
            for attachment in attachments {
                graph.add(&user, Edge::whole(attachment));
            }
        }
    }
}

/// Returns each attachment with the node that it completes.
pub fn completions(nodes: &Nodes) -> impl Iterator<Item = (Address, Address)> + '_ {
    nodes.iter().flat_map(|(address, node)| {
        let property = node.kind.meta().completes;
        node.references
            .iter()
            .filter(move |reference| Some(reference.property.as_str()) == property)
            .map(|reference| (address.clone(), reference.target.clone()))
    })
}

impl Graph {
    /// Returns everything that a node waits for, directly or not, and itself.
    fn ancestors(&self, address: &Address) -> HashSet<Address> {
        let mut found = HashSet::from([address.clone()]);
        let mut open = vec![address.clone()];
        while let Some(next) = open.pop() {
            for edge in self.edges(&next) {
                if found.insert(edge.target.clone()) {
                    open.push(edge.target.clone());
                }
            }
        }
        found
    }

    /// Returns the graph in Graphviz's DOT language, a cluster for each place.
    pub fn dot(&self) -> String {
        let mut text = String::from("digraph payctl {\n  rankdir=LR;\n  node [shape=box];\n");
        for (number, (place, members)) in self.by_place().into_iter().enumerate() {
            let _infallible =
                writeln!(text, "  subgraph cluster_{number} {{\n    label=\"{place}\";");
            for address in members {
                let _infallible = writeln!(text, "    \"{address}\";");
            }
            text.push_str("  }\n");
        }
        for (address, edges) in &self.edges {
            for edge in self.shown(edges) {
                let style = if edge.is_late() { " [style=dashed]" } else { "" };
                let _infallible = writeln!(text, "  \"{address}\" -> \"{}\"{style};", edge.target);
            }
        }
        text.push_str("}\n");
        text
    }

    /// Returns the graph as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        let number: HashMap<&Address, usize> =
            self.edges.keys().enumerate().map(|(n, a)| (a, n)).collect();
        let mut text = String::from("flowchart LR\n");
        for (place, members) in self.by_place() {
            let _infallible = writeln!(text, "  subgraph {place}");
            for address in members {
                let _infallible = writeln!(text, "    n{}[\"{address}\"]", number[address]);
            }
            text.push_str("  end\n");
        }
        for (address, edges) in &self.edges {
            for edge in self.shown(edges) {
                let arrow = if edge.is_late() { "-.->" } else { "-->" };
                let _infallible =
                    writeln!(text, "  n{} {arrow} n{}", number[address], number[&edge.target]);
            }
        }
        text
    }

    fn by_place(&self) -> BTreeMap<&str, Vec<&Address>> {
        let mut places: BTreeMap<&str, Vec<&Address>> = BTreeMap::new();
        for address in self.edges.keys() {
            places.entry(&address.place).or_default().push(address);
        }
        places
    }

    /// Returns one edge for each pair of nodes.
    fn shown<'a>(&self, edges: &'a BTreeSet<Edge>) -> impl Iterator<Item = &'a Edge> {
        let mut last: Option<&Address> = None;
        edges.iter().filter(move |edge| last.replace(&edge.target) != Some(&edge.target))
    }
}

#[cfg(test)]
mod tests;
