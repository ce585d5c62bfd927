//! Which work a plan holds, and what each piece of it waits for. There are no
//! levels: a piece starts the moment the last thing it needs is reached.

use crate::address::Address;
use crate::graph::{Graph, Moment};
use crate::plan::{Action, Plan, Step};
use crate::state::{Dependency, State};
use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// A piece of work.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Work {
    /// Create or change a node.
    Converge(Address),
    /// Set what waited for other nodes to be created.
    Complete(Address),
    /// Remove a node.
    Delete(Address),
    /// Remove the instances that were replaced.
    DeleteOld(Address),
}

impl Work {
    /// Returns the node that the work is on.
    pub(super) fn address(&self) -> &Address {
        match self {
            Self::Converge(a) | Self::Complete(a) | Self::Delete(a) | Self::DeleteOld(a) => a,
        }
    }
}

/// Something that is reached once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Point {
    /// The node is created.
    Created(Address),
    /// Its first converge is done.
    Settled(Address),
    /// The node is ready.
    Ready(Address),
    /// The node is gone.
    Deleted(Address),
    /// Its replaced instances are gone.
    OldDeleted(Address),
}

impl Point {
    /// Returns all points of a node.
    pub(super) fn all(address: &Address) -> [Self; 5] {
        [Self::Created, Self::Settled, Self::Ready, Self::Deleted, Self::OldDeleted]
            .map(|point| point(address.clone()))
    }
}

/// Work with what it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    /// The work.
    pub(super) work: Work,
    /// What it needs: if that fails, it does not start.
    pub(super) needs: BTreeSet<Point>,
    /// What it waits for, and does without if that fails.
    pub(super) wants: BTreeSet<Point>,
    /// Seconds to the end of the longest chain that begins with it.
    pub(super) priority: u32,
}

/// Returns the points that the end of a piece of work reaches.
pub(super) fn reached_by(work: &Work, is_completed_later: bool) -> Vec<Point> {
    match work {
        Work::Converge(a) => {
            let mut points = vec![Point::Created(a.clone()), Point::Settled(a.clone())];
            points.extend((!is_completed_later).then(|| Point::Ready(a.clone())));
            points
        }
        Work::Complete(a) => vec![Point::Ready(a.clone())],
        Work::Delete(a) => vec![Point::Deleted(a.clone())],
        Work::DeleteOld(a) => vec![Point::OldDeleted(a.clone())],
    }
}

/// Whether the step creates or changes something.
pub(super) fn converges(step: &Step) -> bool {
    matches!(
        step.action,
        Action::Create | Action::Update | Action::Replace | Action::Adopt | Action::Move
    )
}

/// Whether nothing of what the step plans can be reached in this run.
fn is_lost(step: &Step, state: &State) -> bool {
    let record = state.records.get(&step.address);
    step.action == Action::Unreachable && !step.is_as_recorded(record)
}

/// Returns the nodes of which nothing will be reached.
pub(super) fn lost<'a>(plan: &'a Plan, state: &State) -> Vec<&'a Address> {
    let lost = plan.steps.iter().filter(|step| is_lost(step, state));
    lost.map(|step| &step.address).collect()
}

/// Returns the work of a plan.
pub(super) fn tasks(plan: &Plan, graph: &Graph, state: &State) -> Vec<Task> {
    let steps: BTreeMap<&Address, &Step> =
        plan.steps.iter().map(|step| (&step.address, step)).collect();
    let users = users(state);
    let mut tasks = Vec::new();
    for step in &plan.steps {
        match step.action {
            Action::None | Action::Unreachable => {}
            Action::Delete | Action::Forget => tasks.push(removal(step, &steps, state, &users)),
            _ => tasks.extend(convergence(step, graph, &steps, state, &users)),
        }
    }
    break_late_circles(&mut tasks, state);
    prioritise(&mut tasks, &steps);
    tasks
}

/// For each node, who was made after it according to the state, and whether
/// that was only for a property that is set late.
type Users<'a> = HashMap<&'a Address, Vec<(&'a Address, bool)>>;

fn users(state: &State) -> Users<'_> {
    let mut users: Users<'_> = HashMap::new();
    for (user, record) in &state.records {
        for Dependency { address, late } in &record.dependencies {
            users.entry(address).or_default().push((user, *late));
        }
    }
    users
}

fn convergence(
    step: &Step,
    graph: &Graph,
    steps: &BTreeMap<&Address, &Step>,
    state: &State,
    users: &Users<'_>,
) -> Vec<Task> {
    let address = &step.address;
    let (mut needs, mut wants) = (BTreeSet::new(), BTreeSet::new());
    for edge in graph.edges(address) {
        let target = steps.get(&edge.target);
        if !target.is_some_and(|step| converges(step) || is_lost(step, state)) {
            continue;
        }
        match edge.until {
            // Its first converge ends before either begins its second, so
            // this closes no circle, and a bucket is versioned by then.
            _ if edge.is_late() => wants.insert(Point::Settled(edge.target.clone())),
            Moment::Created => needs.insert(Point::Created(edge.target.clone())),
            Moment::Ready => needs.insert(Point::Ready(edge.target.clone())),
        };
    }
    let mut tasks = vec![task(Work::Converge(address.clone()), needs, BTreeSet::new())];
    if !wants.is_empty() {
        let needs = BTreeSet::from([Point::Settled(address.clone())]);
        tasks.push(task(Work::Complete(address.clone()), needs, wants));
    }
    let has_outgoing = state.records.get(address).is_some_and(|record| !record.outgoing.is_empty());
    if has_outgoing || (step.action == Action::Replace && !step.delete_first) {
        let mut needs = BTreeSet::from([Point::Ready(address.clone())]);
        needs.extend(released_by(address, steps, state, users));
        tasks.push(task(Work::DeleteOld(address.clone()), needs, BTreeSet::new()));
    }
    tasks
}

fn removal(
    step: &Step,
    steps: &BTreeMap<&Address, &Step>,
    state: &State,
    users: &Users<'_>,
) -> Task {
    let needs = released_by(&step.address, steps, state, users);
    task(Work::Delete(step.address.clone()), needs, BTreeSet::new())
}

/// Returns the points at which the users of a node have let go of it. Users of
/// users count: an API's stage calls a function until it moves to the next
/// deployment, although only a method names the function.
fn released_by(
    address: &Address,
    steps: &BTreeMap<&Address, &Step>,
    state: &State,
    users: &Users<'_>,
) -> BTreeSet<Point> {
    let users = |address, is_late| {
        let all = users.get(address).into_iter().flatten();
        all.filter(move |(_, late)| *late == is_late).map(|(user, _)| *user)
    };
    let released = |user| steps.get(user).and_then(|step| release(step, state));
    // The users of who uses it late were made without it.
    let mut points: BTreeSet<Point> = users(address, true).filter_map(released).collect();
    let mut seen = HashSet::from([address]);
    let mut open = vec![address];
    while let Some(used) = open.pop() {
        for user in users(used, false).filter(|user| seen.insert(user)) {
            let point = released(user);
            // What is removed itself waits for its users.
            if !matches!(point, Some(Point::Deleted(_))) {
                open.push(user);
            }
            points.extend(point);
        }
    }
    points
}

/// Returns the point at which a node has let go of what it used: gone itself,
/// or changed to use something else.
fn release(step: &Step, state: &State) -> Option<Point> {
    let address = step.address.clone();
    match step.action {
        Action::Unreachable if !is_lost(step, state) => None,
        Action::Delete | Action::Forget | Action::Unreachable => Some(Point::Deleted(address)),
        Action::None => None,
        _ => Some(Point::Ready(address)),
    }
}

fn task(work: Work, needs: BTreeSet<Point>, wants: BTreeSet<Point>) -> Task {
    Task { work, needs, wants, priority: 0 }
}

/// Two buckets that replicate to each other cannot each wait for the other's
/// end: inside a circle, an edge that only fed a late property does not bind.
fn break_late_circles(tasks: &mut [Task], state: &State) {
    let mut graph = DiGraph::<usize, ()>::new();
    let index: Vec<_> = (0..tasks.len()).map(|n| graph.add_node(n)).collect();
    let deletes: HashMap<Address, usize> = tasks
        .iter()
        .enumerate()
        .filter(|(_, task)| matches!(task.work, Work::Delete(_)))
        .map(|(n, task)| (task.work.address().clone(), n))
        .collect();
    for (n, task) in tasks.iter().enumerate() {
        for need in &task.needs {
            if let Point::Deleted(user) = need
                && let Some(&user) = deletes.get(user)
            {
                graph.add_edge(index[user], index[n], ());
            }
        }
    }
    for circle in tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1) {
        let members: HashSet<Address> =
            circle.iter().map(|i| tasks[graph[*i]].work.address().clone()).collect();
        for i in circle {
            let task = &mut tasks[graph[i]];
            let address = task.work.address().clone();
            task.needs.retain(|need| match need {
                Point::Deleted(user) if members.contains(user) => !is_late(state, user, &address),
                _ => true,
            });
        }
    }
}

fn is_late(state: &State, user: &Address, target: &Address) -> bool {
    let edges = state.records.get(user).into_iter().flat_map(|record| &record.dependencies);
    edges.into_iter().any(|Dependency { address, late }| address == target && *late)
}

/// Orders work by the longest chain that it begins, in typical seconds.
pub(super) fn prioritise(tasks: &mut [Task], steps: &BTreeMap<&Address, &Step>) {
    let seconds: Vec<u32> = tasks.iter().map(|task| typical_seconds(&task.work, steps)).collect();
    let mut waiting: HashMap<&Point, Vec<usize>> = HashMap::new();
    for (n, task) in tasks.iter().enumerate() {
        for point in task.needs.iter().chain(&task.wants) {
            waiting.entry(point).or_default().push(n);
        }
    }
    let mut known = vec![None; tasks.len()];
    for n in 0..tasks.len() {
        longest(n, tasks, &seconds, &waiting, &mut known);
    }
    for (task, priority) in tasks.iter_mut().zip(known) {
        task.priority = priority.unwrap_or_default();
    }
}

/// What a creation typically takes is known by type; the rest is short.
fn typical_seconds(work: &Work, steps: &BTreeMap<&Address, &Step>) -> u32 {
    let made = match work {
        Work::Converge(address) => steps.get(address),
        _ => None,
    };
    made.filter(|step| matches!(step.action, Action::Create | Action::Replace))
        .and_then(|step| crate::resources::kind(&step.type_name))
        .map_or(1, |kind| kind.meta().typical_seconds)
}

fn longest(
    n: usize,
    tasks: &[Task],
    seconds: &[u32],
    waiting: &HashMap<&Point, Vec<usize>>,
    known: &mut [Option<u32>],
) -> u32 {
    if let Some(found) = known[n] {
        return found;
    }
    // Holds against circles, which there are none of in a graph that was
    // sorted.
    known[n] = Some(0);
    let reached =
        reached_by(&tasks[n].work, false).into_iter().chain(reached_by(&tasks[n].work, true));
    let followers: BTreeSet<usize> =
        reached.filter_map(|point| waiting.get(&point)).flatten().copied().collect();
    let after = followers
        .into_iter()
        .map(|next| longest(next, tasks, seconds, waiting, known))
        .max()
        .unwrap_or(0);
    let found = after + seconds[n];
    known[n] = Some(found);
    found
}

#[cfg(test)]
mod tests;
