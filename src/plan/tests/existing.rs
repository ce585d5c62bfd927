//! Nodes that the state knows and the stack declares.

use super::{STACK, after, changed, shown};
use crate::plan::Look;
use crate::resource::Id;
use crate::state::{Outgoing, Status};
use crate::testing::World;
use serde_json::{Value, json};

#[test]
fn a_property_was_changed_or_taken_out() {
    insta::assert_snapshot!(changed("Size: 1", "Size: 2"), @r"
      ~ us-east-1/Base  AWS::Test::Thing
          Size                     1 → 2

    1 to change
    ");
    insta::assert_snapshot!(changed(", Size: 1", ""), @r"
      ~ us-east-1/Base  AWS::Test::Thing
          Size                     1 → (AWS's default)

    1 to change
    ");
}

#[test]
fn it_was_changed_outside() {
    insta::assert_snapshot!(after(|world| {
        world.live("us-east-1/Base").properties["Size"] = json!(9);
    }), @r"
      ~ us-east-1/Base  AWS::Test::Thing
          Size                     9 → 1
          ! Size                   1 → 9  changed outside payctl

    1 to change
    ");
    insta::assert_snapshot!(after(|world| {
        world.live("us-east-1/Base").properties["Size"] = Value::Null;
    }), @r"
      ~ us-east-1/Base  AWS::Test::Thing
          Size                     (unset) → 1
          ! Size                   1 → (unset)  changed outside payctl

    1 to change
    ");
    // To what the file says now: there is nothing to do.
    insta::assert_snapshot!(after(|world| {
        world.live("us-east-1/Base").properties["Size"] = json!(9);
        world.declare(&STACK.replace("Size: 1", "Size: 9"));
    }), @r"
      ! us-east-1/Base  AWS::Test::Thing
          ! Size                   1 → 9  changed outside payctl

    No changes: AWS is as the stack says
    ");
    // What was never set is AWS's own.
    insta::assert_snapshot!(after(|world| {
        world.live("us-east-1/Data").properties["Size"] = json!(9);
    }), @"No changes: AWS is as the stack says");
}

#[test]
fn it_was_deleted_outside_or_cannot_be_seen() {
    insta::assert_snapshot!(after(|world| world.look("us-east-1/Base", Look::Gone)), @r"
      + us-east-1/Base  AWS::Test::Thing  it was deleted outside payctl
          Name                     base
          Size                     1
      ~ us-east-1/User  AWS::Test::Thing
          Uses                     Token of base → (known after apply)

    1 to create, 1 to change
    ");
    insta::assert_snapshot!(after(|world| world.look("us-east-1/Base", Look::Unreachable)), @r"
      ? us-east-1/Base  AWS::Test::Thing  us-east-1 does not answer

    1 unreachable
    ");
}

/// What was to be changed of it is shown; what uses it stays as it is.
#[test]
fn it_cannot_be_seen_and_was_to_be_changed() {
    insta::assert_snapshot!(after(|world| {
        world.declare(&STACK.replace("Name: base", "Name: basis"));
        world.look("us-east-1/Base", Look::Unreachable);
    }), @r"
      ? us-east-1/Base  AWS::Test::Thing  us-east-1 does not answer
          Name                     base → basis

    1 unreachable
    ");
}

/// With another name the new one is made first; with the same one the old one
/// goes first; a name that payctl makes is another one each time.
#[test]
fn it_is_replaced() {
    insta::assert_snapshot!(changed("Name: base", "Name: basis"), @r"
      ± us-east-1/Base  AWS::Test::Thing  replaced: Name cannot change in place
          Name                     base → basis
      ~ us-east-1/User  AWS::Test::Thing
          Uses                     Token of base → (known after apply)

    1 to change, 1 to replace
    ");
    let asked = |name: &str| after(|world| world.options.replace = Vec::from([name.to_owned()]));
    insta::assert_snapshot!(asked("Base"), @r"
      ± us-east-1/Base  AWS::Test::Thing  asked for by --replace; the old one goes first, for both have the same name
      ~ us-east-1/User  AWS::Test::Thing
          Uses                     Token of base → (known after apply)

    1 to change, 1 to replace
    ");
    insta::assert_snapshot!(asked("User"), @r"
      ± us-east-1/User  AWS::Test::Thing  asked for by --replace
          Name                     shop-dev-User-1702162a → shop-dev-User-fb7ac394

    1 to replace
    ");
    insta::assert_snapshot!(changed("Base: {Type: 'AWS::Test::Thing'", "Base: {Type: 'AWS::Test::Store'"), @r"
      ± us-east-1/Base  AWS::Test::Store  its type was AWS::Test::Thing
      ~ us-east-1/User  AWS::Test::Thing
          Uses                     Token of base → (known after apply)

    1 to change, 1 to replace
    Refused: us-east-1/Base: replacing it loses the data that it holds; allow it with --allow-data-loss
    ");
}

#[test]
fn a_replacement_loses_data_only_with_leave() {
    let mut world = World::applied(STACK);
    world.options.replace = Vec::from(["*/Data".to_owned()]);
    insta::assert_snapshot!(shown(&world), @r"
      ± us-east-1/Data  AWS::Test::Store  asked for by --replace; the old one goes first, for both have the same name

    1 to replace
    Refused: us-east-1/Data: replacing it loses the data that it holds; allow it with --allow-data-loss
    ");
    world.options.allow_data_loss = true;
    assert_eq!(world.plan().refusals, []);
}

#[test]
fn an_earlier_run_did_not_finish_it() {
    for (status, reason) in [
        (Status::Created, "its creation was interrupted"),
        (Status::Incomplete, "some of its items could not be set"),
        (Status::Deleting, "its deletion was interrupted"),
    ] {
        let plan = after(|world| world.record("us-east-1/Base").status = status);
        assert_eq!(
            plan,
            format!("  ~ us-east-1/Base  AWS::Test::Thing  {reason}\n\n1 to change\n")
        );
    }
    insta::assert_snapshot!(after(|world| keep(world, "us-east-1/Base", "older")), @r"
      ~ us-east-1/Base  AWS::Test::Thing  an earlier instance is still to be deleted

    1 to change
    ");
}

/// An earlier instance of a node was replaced, and is still to be deleted.
pub(super) fn keep(world: &mut World, address: &str, id: &str) {
    let record = world.record(address);
    record.outgoing.push(Outgoing {
        type_name: record.type_name.clone(),
        id: Id::from(id),
        generation: 0,
        properties: json!({}),
    });
}

/// What a change makes unknown is unknown to users and outputs, and a fixed
/// property that it feeds may have to be replaced.
#[test]
fn what_is_not_known_before() {
    let text = r#"
Stack: keys
Regions: [us-east-1]
Resources:
  Key: {Type: 'AWS::Test::Thing', Properties: {Name: key}}
  Named: {Type: 'AWS::Test::Thing', Properties: {Name: 'n-${Key.Token}'}}
  User: {Type: 'AWS::Test::Thing', Properties: {Uses: '${Key.Token}'}}
Outputs:
  Arn: {Value: '${Key[primary].Arn}'}
  Token: {Value: 'it is ${Key[primary].Token}'}
"#;
    let mut world = World::applied(text);
    world.look("us-east-1/Key", Look::Gone);
    insta::assert_snapshot!(shown(&world), @r"
      + us-east-1/Key    AWS::Test::Thing  it was deleted outside payctl
          Name                     key
      ± us-east-1/Named  AWS::Test::Thing  replaced: Name cannot change in place
          Name                     n-Token of key → (known after apply)
      ~ us-east-1/User   AWS::Test::Thing
          Uses                     Token of key → (known after apply)
      Outputs
        ~ Token                    it is Token of key → (known after apply)

    1 to create, 1 to change, 1 to replace
    ");
}

#[test]
fn outputs_that_change_are_shown_and_make_a_plan() {
    let outputs = |text: &str| format!("{STACK}Outputs:\n{text}");
    let mut world = World::applied(&outputs("  A: {Value: 1}\n  B: {Value: 2}\n  C: {Value: 3}\n"));
    assert!(world.plan().is_empty());
    world.declare(&outputs(
        "  A: {Value: 1}\n  B: {Value: two}\n  D: {Value: '${Data[primary].Arn}'}\n",
    ));
    assert!(world.plan().leaves_nodes() && !world.plan().is_empty());
    insta::assert_snapshot!(shown(&world), @r"
      Outputs
        ~ B                        2 → two
        - C                        3
        + D                        arn:data

    AWS is as the stack says; 3 outputs to change
    ");
    world.destroy();
    assert_eq!(world.plan().outputs.len(), 0);
}

#[test]
fn left_alone_is_left_alone() {
    insta::assert_snapshot!(after(|world| {
        world.options.targets = Vec::from(["Data".to_owned()]);
        world.look("us-east-1/Base", Look::Gone);
    }), @"No changes; 2 left alone by --target or --exclude");
}
