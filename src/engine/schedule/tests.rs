//! The work of small plans.

use super::*;
use crate::plan::Look;
use crate::testing::World;
use std::fmt;

const CHAIN: &str = r#"
Stack: chain
Regions: [us-east-1]
Resources:
  A: {Type: 'AWS::Test::Thing', Properties: {Name: a}}
  B: {Type: 'AWS::Test::Thing', Properties: {Name: b}, DependsOn: A}
  C: {Type: 'AWS::Test::Thing', Properties: {Name: c, Uses: '${A.Arn}'}}
"#;

/// Things that know each other in the end.
const MESH: &str = r#"
Stack: mesh
Regions: [us-east-1, eu-west-1]
Resources:
  Peer:
    Type: AWS::Test::Thing
    Properties:
      Peers: {ForEach: {r: '${regions.filter(r, r != region)}'}, Item: '${Peer[r].Arn}'}
"#;

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created(address) => write!(f, "{address} created"),
            Self::Settled(address) => write!(f, "{address} settled"),
            Self::Ready(address) => write!(f, "{address} ready"),
            Self::Deleted(address) => write!(f, "{address} deleted"),
            Self::OldDeleted(address) => write!(f, "{address} old deleted"),
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Converge(address) => write!(f, "converge {address}"),
            Self::Complete(address) => write!(f, "complete {address}"),
            Self::Delete(address) => write!(f, "delete {address}"),
            Self::DeleteOld(address) => write!(f, "delete the old {address}"),
        }
    }
}

/// Returns the work of a plan, each with its priority and what it waits for.
fn work(world: &World) -> String {
    let points = |word: &str, points: &BTreeSet<Point>| {
        let points: Vec<_> = points.iter().map(ToString::to_string).collect();
        if points.is_empty() { String::new() } else { format!(", {word} {}", points.join(", ")) }
    };
    let line = |task: Task| {
        let (needs, wants) = (points("needs", &task.needs), points("wants", &task.wants));
        format!("{}: {}{needs}{wants}\n", task.priority, task.work)
    };
    tasks(&world.plan(), &world.graph, &world.state).into_iter().map(line).collect()
}

/// Returns the work of a plan after a stack was applied and something happened.
fn after(stack: &str, happen: impl FnOnce(&mut World)) -> String {
    let mut world = World::applied(stack);
    happen(&mut world);
    work(&world)
}

#[test]
fn a_creation() {
    insta::assert_snapshot!(work(&World::new(CHAIN)), @r"
    2: converge us-east-1/A
    1: converge us-east-1/B, needs us-east-1/A ready
    1: converge us-east-1/C, needs us-east-1/A created
    ");
}

#[test]
fn a_type_that_takes_long_goes_first() {
    let slow = CHAIN.replace("B: {Type: 'AWS::Test::Thing'", "B: {Type: 'AWS::Test::Store'");
    insta::assert_snapshot!(work(&World::new(&slow)), @r"
    61: converge us-east-1/A
    60: converge us-east-1/B, needs us-east-1/A ready
    1: converge us-east-1/C, needs us-east-1/A created
    ");
}

#[test]
fn a_change_waits_only_for_what_changes_too() {
    assert_eq!(after(CHAIN, |_| {}), "");
    insta::assert_snapshot!(after(CHAIN, |world| {
        world.declare(&CHAIN.replace("Name: c,", "Name: c, Size: 1,"));
    }), @"1: converge us-east-1/C");
}

#[test]
fn a_removal_goes_against_the_recorded_edges() {
    insta::assert_snapshot!(after(CHAIN, World::destroy), @r"
    1: delete us-east-1/A, needs us-east-1/B deleted, us-east-1/C deleted
    2: delete us-east-1/B
    2: delete us-east-1/C
    ");
}

#[test]
fn a_replaced_instance_goes_when_its_users_have_let_go() {
    insta::assert_snapshot!(after(CHAIN, |world| {
        world.declare(&CHAIN.replace("Name: a}", "Name: other}"));
    }), @r"
    3: converge us-east-1/A
    1: delete the old us-east-1/A, needs us-east-1/A ready, us-east-1/C ready
    2: converge us-east-1/C, needs us-east-1/A created
    ");
}

/// As a stage calls a function until it moves, although only a method names it.
#[test]
fn what_a_user_of_its_user_still_uses_goes_after_that_has_changed() {
    let api = r#"
Stack: api
Regions: [us-east-1]
Resources:
  Function: {Type: 'AWS::Test::Thing', Properties: {Name: function}}
  Method: {Type: 'AWS::Test::Thing', Properties: {Name: method, Uses: '${Function.Arn}'}}
  Stage: {Type: 'AWS::Test::Thing', Properties: {Name: stage}, DependsOn: Method}
"#;
    let function = "  Function: {Type: 'AWS::Test::Thing', Properties: {Name: function}}\n";
    let without = api.replace(function, "").replace("${Function.Arn}", "arn:function");
    insta::assert_snapshot!(after(api, |world| {
        world.declare(&without.replace("Name: stage}", "Name: stage, Size: 1}"));
    }), @r"
    2: converge us-east-1/Stage
    1: delete us-east-1/Function, needs us-east-1/Stage ready
    ");
    insta::assert_snapshot!(
        after(api, |world| world.declare(&without)),
        @"1: delete us-east-1/Function"
    );
}

#[test]
fn a_replacement_under_the_same_name_leaves_nothing_to_delete() {
    insta::assert_snapshot!(after(CHAIN, |world| {
        world.options.replace = Vec::from(["A".to_owned()]);
    }), @"1: converge us-east-1/A");
}

#[test]
fn users_of_what_cannot_be_changed_wait_for_it_in_vain() {
    insta::assert_snapshot!(after(CHAIN, |world| {
        world.declare(&CHAIN.replace("Name: a}", "Name: a, Size: 2}"));
        world.look("us-east-1/A", Look::Unreachable);
        world.look("us-east-1/B", Look::Gone);
    }), @"1: converge us-east-1/B, needs us-east-1/A ready");
}

#[test]
fn what_cannot_be_seen_and_is_not_changed_holds_nobody_up() {
    insta::assert_snapshot!(after(CHAIN, |world| {
        world.look("us-east-1/A", Look::Unreachable);
        world.look("us-east-1/B", Look::Gone);
    }), @"1: converge us-east-1/B");
}

#[test]
fn things_that_know_each_other_are_made_before_they_do_and_go_without_a_circle() {
    insta::assert_snapshot!(work(&World::new(MESH)), @r"
    2: converge us-east-1/Peer
    1: complete us-east-1/Peer, needs us-east-1/Peer settled, wants eu-west-1/Peer settled
    2: converge eu-west-1/Peer
    1: complete eu-west-1/Peer, needs eu-west-1/Peer settled, wants us-east-1/Peer settled
    ");
    insta::assert_snapshot!(after(MESH, World::destroy), @r"
    1: delete eu-west-1/Peer
    1: delete us-east-1/Peer
    ");
}
