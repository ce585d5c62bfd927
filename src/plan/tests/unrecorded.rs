//! Nodes that the stack declares and the state does not know.

use super::existing::keep;
use super::{STACK, after, changed};
use crate::plan::{Action, Found, Look, Ownership};
use crate::resource::Id;
use crate::state::Pending;
use crate::testing::{World, at};
use serde_json::json;

const BASE: &str = "us-east-1/Base";

/// AWS has a node that is not recorded, whoever's it is.
fn found(world: &mut World, owner: Ownership) {
    world.state.records.remove(&at(BASE));
    let Some(Look::Live(live)) = world.observed.recorded.remove(&at(BASE)) else { return };
    world.observed.found.insert(at(BASE), Found { live, owner });
}

#[test]
fn it_exists_already() {
    insta::assert_snapshot!(after(|world| found(world, Ownership::Ours)), @r"
      ⇐ us-east-1/Base  AWS::Test::Thing  it is this deployment's own, by its tags

    1 to adopt
    ");
    insta::assert_snapshot!(after(|world| found(world, Ownership::Nobody)), @r"
      ⇐ us-east-1/Base  AWS::Test::Thing

    1 to adopt
    Refused: us-east-1/Base: base exists and is not payctl's; choose another name, or take it over with --adopt
    ");
    let other = Ownership::Other("us-east-1/Thing of bank.prod".to_owned());
    insta::assert_snapshot!(after(|world| found(world, other)), @r"
      ⇐ us-east-1/Base  AWS::Test::Thing

    1 to adopt
    Refused: us-east-1/Base: base exists and belongs to us-east-1/Thing of bank.prod; choose another name, or take it over with --adopt
    ");
}

#[test]
fn it_is_taken_over_when_asked_for_unless_it_cannot_become_what_is_desired() {
    let wanted = |name: &str| {
        after(|world| {
            found(world, Ownership::Nobody);
            let live = &mut world.observed.found.get_mut(&at(BASE)).expect("found").live;
            live.properties = json!({"Name": name, "Size": 7});
            world.options.adopt = true;
        })
    };
    insta::assert_snapshot!(wanted("base"), @r"
      ⇐ us-east-1/Base  AWS::Test::Thing
          Size                     7 → 1

    1 to adopt
    ");
    insta::assert_snapshot!(wanted("Base"), @r"
      ⇐ us-east-1/Base  AWS::Test::Thing
          Name                     Base → base
          Size                     7 → 1

    1 to adopt
    Refused: us-east-1/Base: base exists with another Name, which AWS cannot change; delete it or choose another name
    ");
}

#[test]
fn aws_does_not_let_us_look() {
    insta::assert_snapshot!(after(|world| {
        world.state.records.remove(&at(BASE));
        world.observed.recorded.remove(&at(BASE));
        world.observed.denied.insert(at(BASE), "test:GetThing: AccessDenied".to_owned());
    }), @r"
      + us-east-1/Base  AWS::Test::Thing
          Name                     base
          Size                     1
      ~ us-east-1/User  AWS::Test::Thing
          Uses                     Token of base → (known after apply)

    1 to create, 1 to change
    Refused: us-east-1/Base: the name may be taken by another account (test:GetThing: AccessDenied); choose another name, or ask for the right to look
    ");
}

/// What may exist has the number of the creation that was begun in its name
/// and tags.
#[test]
fn its_creation_was_begun() {
    let mut world = World::applied(STACK);
    let record = world.state.records.remove(&at(BASE)).expect("a record");
    let pending = Pending {
        type_name: record.type_name,
        region: record.region,
        generation: 3,
        properties: record.properties,
        dependencies: record.dependencies,
        retain: record.retain,
    };
    world.state.pending.insert(at(BASE), pending);
    world.observed.recorded.remove(&at(BASE));
    let step = world.plan().steps.into_iter().find(|step| step.address == at(BASE));
    let step = step.expect("a step");
    assert_eq!((step.action, step.generation), (Action::Create, 3));
}

#[test]
fn it_has_the_name_of_one_that_leaves() {
    let renamed = |properties: &str| {
        let text = STACK.replace("Base.Token", "Basis.Token").replace("  Base:", "  Basis:");
        after(|world| world.declare(&text.replace("Name: base, Size: 1", properties)))
    };
    insta::assert_snapshot!(renamed("Name: base, Size: 1"), @r"
      → us-east-1/Basis  AWS::Test::Thing  was us-east-1/Base

    1 to move
    ");
    insta::assert_snapshot!(renamed("Name: base, Size: 2"), @r"
      → us-east-1/Basis  AWS::Test::Thing  was us-east-1/Base
          Size                     1 → 2

    1 to move
    ");
}

#[test]
fn a_moved_node_keeps_its_generation_and_its_old_address_has_no_step() {
    let mut world = World::applied(STACK);
    world.record(BASE).generation = 4;
    world.declare(&STACK.replace("Base.Token", "Basis.Token").replace("  Base:", "  Basis:"));
    let steps = world.plan().steps;
    let moved = steps.iter().find(|step| step.from.is_some()).expect("a move");
    assert_eq!((moved.generation, moved.id.as_ref()), (4, Some(&Id::from("base"))));
    assert!(steps.iter().all(|step| step.address != at(BASE)));
}

/// No two nodes are one resource, not even for a while.
#[test]
fn a_name_is_free_only_when_its_holder_has_let_go() {
    let two = STACK.replace(
        "User: {Type: 'AWS::Test::Thing', Properties: {",
        "User: {Type: 'AWS::Test::Thing', Properties: {Name: user, ",
    );
    let swapped = two.replace("Name: base", "Name: x").replace("Name: user", "Name: base");
    insta::assert_snapshot!(after(|world| {
        world.declare(&swapped);
    }), @r"
      ± us-east-1/Base  AWS::Test::Thing  replaced: Name cannot change in place
          Name                     base → x
      ± us-east-1/User  AWS::Test::Thing  replaced: Name cannot change in place
          Name                     shop-dev-User-1702162a → base
          Uses                     Token of base → (known after apply)

    2 to replace
    Refused: us-east-1/User: base is still us-east-1/Base, which this apply changes or removes; apply that first, then this; or choose another name
    ");
    // An instance that is to be deleted has its name until then.
    insta::assert_snapshot!(after(|world| {
        keep(world, BASE, "older");
        world.declare(&STACK.replace("Name: base", "Name: older"));
    }), @r"
      ± us-east-1/Base  AWS::Test::Thing  replaced: Name cannot change in place
          Name                     base → older
      ~ us-east-1/User  AWS::Test::Thing
          Uses                     Token of base → (known after apply)

    1 to change, 1 to replace
    Refused: us-east-1/Base: older is an earlier instance of us-east-1/Base that is still to be deleted; apply without this change first; or choose another name
    ");
    // What is gone has let go, and is not deleted once more.
    insta::assert_snapshot!(after(|world| {
        world.look(BASE, Look::Gone);
        world.declare(&STACK.replace("Base.Token", "Basis.Token").replace("  Base:", "  Basis:"));
    }), @r"
      + us-east-1/Basis  AWS::Test::Thing
          Name                     base
          Size                     1
      ~ us-east-1/User   AWS::Test::Thing
          Uses                     Token of base → (known after apply)
      ∅ us-east-1/Base   AWS::Test::Thing  it was deleted outside payctl

    1 to create, 1 to change, 1 to forget
    ");
    assert!(!changed("Name: base", "Name: free").contains("Refused"));
}
