//! The work of random plans, done in random orders on an AWS that is a map of
//! names: nothing is made over what another node has, and nothing is deleted
//! but a node's own.

use super::queue::Queue;
use super::schedule::{self, Work};
use crate::address::Address;
use crate::plan::{Action, Look, Plan, Step};
use crate::resource::Id;
use crate::testing::{World, random};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;

/// What names a resource: its type, region and id.
type Name = (String, String, Id);

/// Whose each resource is.
#[derive(Default)]
struct Aws(BTreeMap<Name, Address>);

impl Aws {
    /// What exists according to the state, but for what is gone.
    fn of(world: &World) -> Self {
        let records = world
            .state
            .records
            .iter()
            .filter(|(address, _)| world.observed.recorded.get(address) != Some(&Look::Gone));
        let named = records.map(|(address, record)| {
            let name = (record.type_name.clone(), record.region.clone(), record.id.clone());
            (name, address.clone())
        });
        Self(named.collect())
    }

    fn make(&mut self, name: Name, owner: &Address) {
        let other = self.0.insert(name.clone(), owner.clone());
        assert_eq!(other, None, "{owner} is made over {name:?}");
    }

    fn delete(&mut self, name: &Name, owner: &Address) {
        let other = self.0.remove(name);
        assert!(other.is_none_or(|other| other == *owner), "{name:?} is not {owner}'s to delete");
    }
}

/// Does a piece of work. `before` is the world as the plan found it, `after`
/// as the plan leaves it.
fn perform(work: &Work, step: &Step, before: &World, after: &World, aws: &mut Aws) {
    let address = work.address();
    let name = |world: &World, address: &Address| {
        let record = world.state.records.get(address)?;
        Some((record.type_name.clone(), record.region.clone(), record.id.clone()))
    };
    let old = name(before, step.from.as_ref().unwrap_or(address));
    let new = name(after, address);
    match (work, step.action, old, new) {
        (Work::Converge(_), Action::Move, Some(old), Some(_)) => {
            aws.0.insert(old, address.clone());
        }
        (Work::Converge(_), Action::Replace, Some(old), Some(new)) => {
            if step.delete_first {
                aws.delete(&old, address);
            }
            aws.make(new, address);
        }
        (Work::Converge(_), Action::Create, _, Some(new)) => aws.make(new, address),
        (Work::Delete(_), Action::Delete, Some(old), _) | (Work::DeleteOld(_), _, Some(old), _) => {
            aws.delete(&old, address);
        }
        _ => {}
    }
}

/// Does all work of a plan, of what may be under way at once ends any first.
fn run(plan: &Plan, before: &World, after: &World, picks: &[usize]) -> Aws {
    let steps: BTreeMap<_, _> = plan.steps.iter().map(|step| (&step.address, step)).collect();
    let mut aws = Aws::of(before);
    let mut queue = Queue::new(schedule::tasks(plan, &before.graph, &before.state), []);
    let mut running = Vec::new();
    for pick in picks.iter().cycle() {
        running.extend(queue.ready());
        if running.is_empty() {
            break;
        }
        let work = running.swap_remove(pick % running.len());
        perform(&work, steps[work.address()], before, after, &mut aws);
        queue.done(&work);
    }
    assert_eq!(queue.left(), [], "these wait for each other");
    aws
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// From any stack to any other and to nothing: all work ends, in whatever
    /// order; AWS then has what the state says; and there is nothing to do.
    #[test]
    fn any_stack_becomes_any_other(
        first in random::stack(),
        second in random::stack(),
        gone in any::<Index>(),
        picks in vec(any::<usize>(), 8),
    ) {
        let (mut before, mut after) = (World::applied(&first), World::applied(&first));
        let gone = before.state.records.keys().nth(gone.index(before.state.records.len())).cloned();
        let gone = gone.expect("a record").to_string();
        for world in [&mut before, &mut after] {
            prop_assert!(world.plan().is_empty(), "{:#?}", world.plan().changes());
            world.allow_all();
            world.look(&gone, Look::Gone);
            world.declare(&second);
        }
        let plan = before.plan();
        prop_assert_eq!(plan.to_json(), after.plan().to_json());
        if !plan.refusals.is_empty() {
            let refused = plan.refusals.iter().all(|refusal| refusal.message.contains(" is still "));
            prop_assert!(refused, "{:?}", plan.refusals);
            return Ok(());
        }
        after.carry_out(&plan);
        let aws = run(&plan, &before, &after, &picks);
        prop_assert_eq!(aws.0, Aws::of(&after).0);
        prop_assert!(after.plan().is_empty(), "{:#?}", after.plan().changes());

        let mut end = World::applied(&second);
        end.destroy();
        let plan = end.plan();
        prop_assert!(run(&plan, &end, &World::new(&second), &picks).0.is_empty());
    }
}

/// The payment stack, made of real types.
#[test]
fn the_payment_stack_goes_up_and_down_without_a_circle() {
    let text = include_str!("../../plans/payment-processing.yaml");
    let (before, mut after) = (World::new(text), World::applied(text));
    let plan = before.plan();
    assert_eq!(run(&plan, &before, &after, &[0]).0, Aws::of(&after).0);
    assert!(after.plan().is_empty());
    after.destroy();
    let plan = after.plan();
    assert!(run(&plan, &after, &before, &[0]).0.is_empty());
}
