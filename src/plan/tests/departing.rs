//! Nodes that the state knows and the stack no longer declares.

use super::{STACK, after, shown};
use crate::plan::Look;
use crate::state::Pending;
use crate::testing::{World, at};
use serde_json::json;

const USER: &str = "us-east-1/User";

/// The stack without what uses the base, and something more.
fn left(happen: impl FnOnce(&mut World)) -> String {
    let rest: Vec<_> = STACK.lines().filter(|line| !line.contains("User:")).collect();
    after(|world| {
        world.declare(&rest.join("\n"));
        happen(world);
    })
}

#[test]
fn it_goes_or_stays() {
    insta::assert_snapshot!(left(|_| {}), @r"
      - us-east-1/User  AWS::Test::Thing

    1 to delete
    ");
    insta::assert_snapshot!(left(|world| world.look(USER, Look::Gone)), @r"
      - us-east-1/User  AWS::Test::Thing  it was deleted outside payctl

    1 to delete
    ");
    insta::assert_snapshot!(left(|world| world.look(USER, Look::Unreachable)), @r"
      ? us-east-1/User  AWS::Test::Thing  us-east-1 does not answer

    1 unreachable
    ");
    insta::assert_snapshot!(left(|world| world.record(USER).retain = true), @r"
      ∅ us-east-1/User  AWS::Test::Thing  DeletionPolicy is Retain: it stays in AWS

    1 to forget
    ");
    insta::assert_snapshot!(left(|world| world.options.excludes = Vec::from(["User".to_owned()])), @"No changes; 1 left alone by --target or --exclude");
}

/// A refused plan says all that stands against it.
#[test]
fn data_and_regions_need_leave() {
    let wide = STACK.replace("[us-east-1]", "[us-east-1, eu-west-1]");
    let mut world = World::applied(&wide);
    world.declare(wide.split("  Data:").next().unwrap_or_default());
    world.spread(&["us-east-1"]);
    world.options.targets = Vec::from(["*".to_owned(), "Dta".to_owned()]);
    insta::assert_snapshot!(shown(&world), @r"
      - eu-west-1/Base  AWS::Test::Thing
      - eu-west-1/Data  AWS::Test::Store
      - eu-west-1/User  AWS::Test::Thing
      - us-east-1/Data  AWS::Test::Store

    4 to delete
    Refused: us-east-1/Data: deleting it loses the data that it holds; allow it with --allow-data-loss
    Refused: eu-west-1 is no longer among the regions and still has 3 nodes; give all regions with --regions, or allow it with --allow-region-removal
    Refused: 'Dta' matches no node; addresses are written like us-east-1/Key; payctl graph shows them all
    ");
    world.options.targets.clear();
    world.options.allow_region_removal = true;
    insta::assert_snapshot!(shown(&world), @r"
      - eu-west-1/Base  AWS::Test::Thing
      - eu-west-1/Data  AWS::Test::Store
      - eu-west-1/User  AWS::Test::Thing
      - us-east-1/Data  AWS::Test::Store

    4 to delete
    Refused: eu-west-1/Data: deleting it loses the data that it holds; allow it with --allow-data-loss
    Refused: us-east-1/Data: deleting it loses the data that it holds; allow it with --allow-data-loss
    ");
    world.options.allow_data_loss = true;
    assert_eq!(world.plan().refusals, []);
    // To destroy is to ask for it.
    world.options = crate::plan::Options::default();
    world.destroy();
    let plan = world.plan();
    assert_eq!((plan.steps.len(), plan.refusals.as_slice()), (6, [].as_slice()));
}

/// The creation of a node was begun that is declared no more, and AWS shows
/// nothing of it.
#[test]
fn its_creation_was_interrupted() {
    let begun = |look: Option<Look>| {
        after(|world| {
            let pending = Pending {
                type_name: "AWS::Test::Thing".to_owned(),
                region: "us-east-1".to_owned(),
                generation: 0,
                properties: json!({"Name": "late"}),
                dependencies: Vec::new(),
                retain: false,
            };
            world.state.pending.insert(at("us-east-1/Late"), pending);
            let look = look.map(|look| (at("us-east-1/Late"), look));
            world.observed.recorded.extend(look);
        })
    };
    insta::assert_snapshot!(begun(None), @r"
      ∅ us-east-1/Late  AWS::Test::Thing  its creation was interrupted and AWS does not have it

    1 to forget
    ");
    insta::assert_snapshot!(begun(Some(Look::Unreachable)), @r"
      ? us-east-1/Late  AWS::Test::Thing  us-east-1 does not answer

    1 unreachable
    ");
}
