//! `--target` and `--exclude`: which nodes a plan may touch.

use super::Options;
use crate::address::Address;
use crate::graph::Graph;
use crate::state::{Dependency, State};
use std::collections::{BTreeSet, HashMap};

/// The nodes that a plan leaves alone.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    left_alone: BTreeSet<Address>,
    unmatched: Vec<String>,
}

impl Selection {
    /// Applies the options: a target brings what it needs, an exclusion takes
    /// what needs it. A node that leaves needs those that use it to let go.
    pub fn new(options: &Options, graph: &Graph, state: Option<&State>) -> Self {
        let mut needs: HashMap<Address, BTreeSet<Address>> = HashMap::new();
        for address in graph.order() {
            let targets = graph.edges(address).map(|edge| edge.target.clone());
            needs.entry(address.clone()).or_default().extend(targets);
        }
        let declared: BTreeSet<&Address> = graph.order().iter().collect();
        for (address, dependencies) in state.iter().flat_map(|state| recorded(state)) {
            needs.entry(address.clone()).or_default();
            for Dependency { address: target, .. } in dependencies {
                if !declared.contains(target) {
                    needs.entry(target.clone()).or_default().insert(address.clone());
                }
            }
        }
        let all: BTreeSet<Address> = needs.keys().cloned().collect();
        let matching = |patterns: &[String]| -> BTreeSet<Address> {
            all.iter().filter(|a| patterns.iter().any(|p| matches(p, a))).cloned().collect()
        };
        let mut left_alone = BTreeSet::new();
        if !options.targets.is_empty() {
            let wanted = closure(&needs, matching(&options.targets));
            left_alone.extend(all.difference(&wanted).cloned());
        }
        left_alone.extend(closure(&reversed(&needs), matching(&options.excludes)));
        let patterns = options.targets.iter().chain(&options.excludes).chain(&options.replace);
        let unmatched = patterns.filter(|p| !all.iter().any(|a| matches(p, a))).cloned().collect();
        Self { left_alone, unmatched }
    }

    /// Whether the plan may touch the node.
    pub fn allows(&self, address: &Address) -> bool {
        !self.left_alone.contains(address)
    }

    /// Returns the patterns that match no node, which are mistakes.
    pub fn unmatched(&self) -> &[String] {
        &self.unmatched
    }
}

/// Returns the nodes of a state with what they were made after.
fn recorded(state: &State) -> impl Iterator<Item = (&Address, &Vec<Dependency>)> {
    let records = state.records.iter().map(|(address, record)| (address, &record.dependencies));
    records.chain(state.pending.iter().map(|(address, pending)| (address, &pending.dependencies)))
}

fn reversed(needs: &HashMap<Address, BTreeSet<Address>>) -> HashMap<Address, BTreeSet<Address>> {
    let mut needed_by: HashMap<Address, BTreeSet<Address>> = HashMap::new();
    for (address, targets) in needs {
        needed_by.entry(address.clone()).or_default();
        for target in targets {
            needed_by.entry(target.clone()).or_default().insert(address.clone());
        }
    }
    needed_by
}

fn closure(
    edges: &HashMap<Address, BTreeSet<Address>>,
    start: BTreeSet<Address>,
) -> BTreeSet<Address> {
    let mut open: Vec<Address> = start.iter().cloned().collect();
    let mut found = start;
    while let Some(next) = open.pop() {
        for other in edges.get(&next).into_iter().flatten() {
            if found.insert(other.clone()) {
                open.push(other.clone());
            }
        }
    }
    found
}

/// Whether an address matches a pattern, in which `*` stands for any text and
/// `?` for one character. A pattern without `/` is a logical id anywhere.
pub fn matches(pattern: &str, address: &Address) -> bool {
    if pattern.contains('/') {
        let text = address.to_string();
        let bare = format!("{}/{}", address.place, address.resource);
        glob(pattern.as_bytes(), text.as_bytes()) || glob(pattern.as_bytes(), bare.as_bytes())
    } else {
        glob(pattern.as_bytes(), address.resource.as_bytes())
    }
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) => {
            glob(rest, text) || text.split_first().is_some_and(|(_, text)| glob(pattern, text))
        }
        (Some((b'?', rest)), Some((_, text))) => glob(rest, text),
        (Some((a, rest)), Some((b, text))) => a == b && glob(rest, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let address: Address = "us-east-1/FailoverRule[eu-west-1]".parse().expect("an address");
        for pattern in [
            "us-east-1/*",
            "*/Failover*",
            "FailoverRule",
            "us-east-1/FailoverRule",
            "*/*[eu-*",
            "Failover*",
            "us-?ast-1/*",
        ] {
            assert!(matches(pattern, &address), "{pattern}");
        }
        assert!(!matches("eu-west-1/*", &address));
        assert!(!matches("Failover", &address));
    }
}
