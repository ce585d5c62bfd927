//! Random stacks.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// How many resources a random stack may have, and how many fixed names there
/// are for them.
const MOST: usize = 5;

/// A resource of a random stack.
#[derive(Clone, Debug)]
struct Resource {
    holds_data: bool,
    /// The number of its fixed name.
    name: Option<usize>,
    size: Option<u32>,
    /// The number of another resource that it uses, and of one that it knows
    /// in the end.
    uses: Option<usize>,
    peer: Option<usize>,
}

fn resource() -> impl Strategy<Value = Resource> {
    let number = || option::of(0..MOST);
    (any::<bool>(), number(), option::of(1..3_u32), number(), number()).prop_map(
        |(holds_data, name, size, uses, peer)| Resource { holds_data, name, size, uses, peer },
    )
}

/// Returns the text of a stack file with some things, whose names, sizes and
/// uses differ, in one region or two.
pub(crate) fn stack() -> impl Strategy<Value = String> {
    let resources = vec(option::weighted(0.8, resource()), MOST);
    (resources, any::<bool>(), any::<bool>()).prop_map(|(resources, wide, meshed)| {
        let regions = if wide { "us-east-1, eu-west-1" } else { "us-east-1" };
        let mut text = format!("Stack: random\nRegions: [{regions}]\nResources:\n");
        let mut names = [false; MOST];
        for (number, resource) in resources.iter().enumerate() {
            let Some(resource) = resource else { continue };
            let kind = if resource.holds_data { "Store" } else { "Thing" };
            let there = |other: &usize| resources[*other].is_some();
            let mut properties = Vec::new();
            // A name is given once.
            if let Some(name) = resource.name.filter(|name| !std::mem::replace(&mut names[*name], true)) {
                properties.push(format!("Name: n{name}"));
            }
            properties.extend(resource.size.map(|size| format!("Size: {size}")));
            // Uses of earlier ones alone close no circle; nor do peers, where
            // nobody waits for them to be ready.
            let what = if meshed { "Token" } else { "Address" };
            let uses = resource.uses.filter(|other| *other < number).filter(there);
            properties.extend(uses.map(|other| format!("Uses: '${{R{other}.{what}}}'")));
            let peer = resource.peer.filter(there).filter(|_| meshed);
            properties.extend(peer.map(|other| {
                let others = "ForEach: {r: '${regions.filter(r, r != region)}'}";
                format!("Peers: {{{others}, Item: '${{R{other}[r].Arn}}'}}")
            }));
            let properties = properties.join(", ");
            let line = format!("{{Type: 'AWS::Test::{kind}', Properties: {{{properties}}}}}");
            text.extend(["  R", &number.to_string(), ": ", &line, "\n"]);
        }
        text.push_str("  Last: {Type: 'AWS::Test::Thing'}\nOutputs:\n  Last: {Value: '${Last[primary].Token}'}\n");
        text
    })
}
