//! What a plan says of each situation that a node can be in.

mod departing;
mod differences;
mod existing;
mod pure;
mod unrecorded;

use super::render;
use crate::testing::World;
use crate::ui::Paint;

/// Two things, of which one uses the other, and a store.
const STACK: &str = r#"
Stack: shop
Regions: [us-east-1]
Resources:
  Base: {Type: 'AWS::Test::Thing', Properties: {Name: base, Size: 1}}
  User: {Type: 'AWS::Test::Thing', Properties: {Uses: '${Base.Token}'}}
  Data: {Type: 'AWS::Test::Store', Properties: {Name: data}}
"#;

/// Returns the plan as people read it.
fn shown(world: &World) -> String {
    render::human(&world.plan(), Paint::default())
}

/// Applies the stack, lets something happen, and returns the plan.
fn after(happen: impl FnOnce(&mut World)) -> String {
    let mut world = World::applied(STACK);
    happen(&mut world);
    shown(&world)
}

/// Applies the stack, declares it with a change, and returns the plan.
fn changed(from: &str, to: &str) -> String {
    assert!(STACK.contains(from), "{from}");
    after(|world| world.declare(&STACK.replace(from, to)))
}
