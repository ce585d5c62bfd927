//! Orders and circles of random graphs, and what waits for what.

use super::*;
use crate::testing::{World, at};
use proptest::collection::vec;
use proptest::prelude::*;

/// An edge by the numbers of its ends.
type Link = (usize, usize, Moment, Moment);

/// Some nodes and edges among them, which may close circles.
fn links() -> impl Strategy<Value = (usize, Vec<Link>)> {
    let moment = || prop_oneof![Just(Moment::Created), Just(Moment::Ready)];
    (2..10_usize).prop_flat_map(move |count| {
        (Just(count), vec((0..count, 0..count, moment(), moment()), 0..3 * count))
    })
}

fn addresses(count: usize) -> Vec<Address> {
    (0..count).map(|number| at(&format!("us-east-1/N{number}"))).collect()
}

fn graph(count: usize, links: &[Link]) -> Graph {
    let addresses = addresses(count);
    let mut graph = Graph::default();
    for (from, target, until, holds) in links {
        let target = addresses[*target].clone();
        graph.add(&addresses[*from], Edge { target, until: *until, holds: *holds });
    }
    graph
}

/// Returns what has to come before the creation of a node: every moment that
/// it waits for, directly or not.
fn before(graph: &Graph, address: &Address) -> HashSet<(Address, Moment)> {
    let mut found = HashSet::new();
    let mut open = Vec::from([(address.clone(), Moment::Created)]);
    while let Some((node, moment)) = open.pop() {
        let own = (moment == Moment::Ready).then(|| (node.clone(), Moment::Created));
        let held = graph.edges(&node).filter(|edge| edge.holds == moment);
        let next = held.map(|edge| (edge.target.clone(), edge.until)).chain(own);
        open.extend(next.filter(|next| found.insert(next.clone())).collect::<Vec<_>>());
    }
    found
}

proptest! {
    /// An order has every node after all whose creation it waits for; where
    /// there is none, a circle is named in the order of waiting.
    #[test]
    fn an_order_or_a_circle((count, links) in links()) {
        let graph = graph(count, &links);
        match graph.sorted(&addresses(count)) {
            Ok(order) => {
                prop_assert_eq!(order.iter().collect::<BTreeSet<_>>().len(), count);
                let place = |address: &Address| order.iter().position(|other| other == address);
                for address in &order {
                    for (earlier, _) in before(&graph, address).iter().filter(|(_, m)| *m == Moment::Created) {
                        prop_assert!(place(earlier) < place(address), "{} before {}", earlier, address);
                    }
                }
            }
            Err(Cycle(circle)) => {
                prop_assert!(circle.len() > 1);
                for (here, next) in circle.iter().zip(circle.iter().cycle().skip(1)) {
                    let waits = graph.edges(here).any(|edge| edge.target == *next);
                    prop_assert!(waits, "{} does not wait for {}", here, next);
                }
            }
        }
    }

    /// A graph without circles is sorted, whatever its moments.
    #[test]
    fn what_waits_for_earlier_ones_alone_closes_no_circle((count, links) in links()) {
        let links: Vec<_> = links.into_iter().filter(|(from, target, ..)| from > target).collect();
        prop_assert!(graph(count, &links).sorted(&addresses(count)).is_ok());
    }

    /// Where nothing binds, the order is the file's.
    #[test]
    fn without_edges_the_order_is_the_files(order in Just(addresses(9)).prop_shuffle()) {
        prop_assert_eq!(graph(9, &[]).sorted(&order), Ok(order));
    }
}

#[test]
fn circles_of_late_edges_are_none() {
    let both = |until, holds| graph(2, &[(0, 1, until, holds), (1, 0, until, holds)]);
    let sorted = |graph: Graph| graph.sorted(&addresses(2));
    let circle = Err(Cycle(addresses(2)));
    assert_eq!(sorted(both(Moment::Created, Moment::Ready)), Ok(addresses(2)));
    assert_eq!(sorted(both(Moment::Created, Moment::Created)), circle);
    assert_eq!(sorted(both(Moment::Ready, Moment::Created)), circle);
    assert_eq!(sorted(both(Moment::Ready, Moment::Ready)), circle);
}

const STACK: &str = r#"
Stack: graph
Regions: [us-east-1, eu-west-1]
Resources:
  Whole: {Type: 'AWS::Test::Thing'}
  Part: {Type: 'AWS::Test::Part', Properties: {Whole: '${Whole}'}}
  Soon: {Type: 'AWS::Test::Thing', Properties: {Uses: '${Other.Token}'}}
  Ready: {Type: 'AWS::Test::Thing', Properties: {Uses: '${Other.Address}', Needs: '${Other}'}}
  Other: {Type: 'AWS::Test::Thing'}
  User: {Type: 'AWS::Test::Thing', Properties: {Uses: '${Whole}'}, DependsOn: Other}
  Peer:
    Type: AWS::Test::Thing
    Properties:
      Peers: {ForEach: {r: '${regions.filter(r, r != region)}'}, Item: '${Peer[r].Address}'}
"#;

/// What is known early is waited for until its node is created, unless the
/// property needs it ready; what is set late holds up nothing but *ready*; and
/// the users of a thing wait for its parts.
#[test]
fn moments() {
    let graph = World::new(STACK).graph;
    let edges = ["Soon", "Ready", "User", "Part", "Peer"].map(|name| {
        let address = at(&format!("us-east-1/{name}"));
        let edges = graph.edges(&address);
        let edges = edges
            .map(|edge| format!("  {:?} after {} {:?}\n", edge.holds, edge.target, edge.until));
        format!("{name}\n{}", edges.collect::<String>())
    });
    insta::assert_snapshot!(edges.concat(), @r"
    Soon
      Created after us-east-1/Other Created
    Ready
      Created after us-east-1/Other Ready
    User
      Created after us-east-1/Other Ready
      Created after us-east-1/Part Ready
      Created after us-east-1/Whole Created
    Part
      Created after us-east-1/Whole Created
    Peer
      Ready after eu-west-1/Peer Created
    ");
}

#[test]
fn a_graph_as_text() {
    let mut world = World::new(STACK);
    world.spread(&["us-east-1"]);
    insta::assert_snapshot!(world.graph.dot(), @r#"
    digraph payctl {
      rankdir=LR;
      node [shape=box];
      subgraph cluster_0 {
        label="us-east-1";
        "us-east-1/Other";
        "us-east-1/Part";
        "us-east-1/Peer";
        "us-east-1/Ready";
        "us-east-1/Soon";
        "us-east-1/User";
        "us-east-1/Whole";
      }
      "us-east-1/Part" -> "us-east-1/Whole";
      "us-east-1/Ready" -> "us-east-1/Other";
      "us-east-1/Soon" -> "us-east-1/Other";
      "us-east-1/User" -> "us-east-1/Other";
      "us-east-1/User" -> "us-east-1/Part";
      "us-east-1/User" -> "us-east-1/Whole";
    }
    "#);
    insta::assert_snapshot!(world.graph.mermaid(), @r#"
    flowchart LR
      subgraph us-east-1
        n0["us-east-1/Other"]
        n1["us-east-1/Part"]
        n2["us-east-1/Peer"]
        n3["us-east-1/Ready"]
        n4["us-east-1/Soon"]
        n5["us-east-1/User"]
        n6["us-east-1/Whole"]
      end
      n1 --> n6
      n3 --> n0
      n4 --> n0
      n5 --> n0
      n5 --> n1
      n5 --> n6
    "#);
}
