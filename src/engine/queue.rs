//! What of a plan's work may start, given what was reached and what failed.

use super::schedule::{self, Point, Task, Work};
use crate::address::Address;
use std::collections::{BTreeSet, HashMap, HashSet};

/// The work that has not begun, and what it waits for.
pub(super) struct Queue {
    waiting: Vec<Task>,
    reached: BTreeSet<Point>,
    /// Points that will never be reached, and whose failure that is.
    lost: HashMap<Point, Address>,
    /// Nodes that are not ready when they are settled.
    completed_later: HashSet<Address>,
}

impl Queue {
    /// Queues work. Nothing of what is `lost` will ever be reached.
    pub(super) fn new<'a>(tasks: Vec<Task>, lost: impl IntoIterator<Item = &'a Address>) -> Self {
        let completed_later = tasks
            .iter()
            .filter(|task| matches!(task.work, Work::Complete(_)))
            .map(|task| task.work.address().clone())
            .collect();
        let lost = lost.into_iter().flat_map(|address| {
            Point::all(address).into_iter().map(|point| (point, address.clone()))
        });
        Self { waiting: tasks, reached: BTreeSet::new(), lost: lost.collect(), completed_later }
    }

    /// AWS has named a node.
    pub(super) fn created(&mut self, address: Address) {
        self.reached.insert(Point::Created(address));
    }

    /// Some work is done. Returns whether the node is as planned now.
    pub(super) fn done(&mut self, work: &Work) -> bool {
        self.reached.extend(self.reached_by(work));
        match work {
            Work::Converge(address) => !self.completed_later.contains(address),
            Work::Complete(_) | Work::Delete(_) => true,
            Work::DeleteOld(_) => false,
        }
    }

    /// Some work has failed: what it did not reach, nothing will.
    pub(super) fn failed(&mut self, work: &Work) {
        self.lose(work, work.address());
    }

    /// Takes the work out that needs what will never be reached, with the node
    /// whose failure that is.
    pub(super) fn give_up(&mut self) -> Vec<(Work, Address)> {
        let mut given_up = Vec::new();
        loop {
            let culprit = |task: &Task| task.needs.iter().find_map(|need| self.lost.get(need));
            let mut hopeless = self.waiting.iter().enumerate();
            let hopeless = hopeless.find_map(|(n, task)| Some((n, culprit(task)?.clone())));
            let Some((n, culprit)) = hopeless else { return given_up };
            let work = self.waiting.remove(n).work;
            self.lose(&work, &culprit);
            given_up.push((work, culprit));
        }
    }

    /// Takes the work out that may start, the longest chains first.
    pub(super) fn ready(&mut self) -> Vec<Work> {
        let waiting = std::mem::take(&mut self.waiting);
        let (mut ready, waiting): (Vec<Task>, _) = waiting.into_iter().partition(|task| {
            let is_over =
                |want: &Point| self.reached.contains(want) || self.lost.contains_key(want);
            task.needs.is_subset(&self.reached) && task.wants.iter().all(is_over)
        });
        self.waiting = waiting;
        ready.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.work.cmp(&b.work)));
        ready.into_iter().map(|task| task.work).collect()
    }

    /// Returns the work that never began.
    pub(super) fn left(&mut self) -> Vec<Work> {
        std::mem::take(&mut self.waiting).into_iter().map(|task| task.work).collect()
    }

    fn lose(&mut self, work: &Work, culprit: &Address) {
        for point in self.reached_by(work) {
            if !self.reached.contains(&point) {
                self.lost.insert(point, culprit.clone());
            }
        }
    }

    fn reached_by(&self, work: &Work) -> Vec<Point> {
        schedule::reached_by(work, self.completed_later.contains(work.address()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use std::collections::BTreeMap;

    /// What each piece of work needs and wants: the ends of earlier ones.
    type Links = Vec<(Vec<usize>, Vec<usize>)>;

    fn links() -> impl Strategy<Value = Links> {
        let some = || vec(any::<Index>(), 0..3);
        vec((some(), some()), 1..12).prop_map(|links| {
            let earlier = |n: usize, some: Vec<Index>| match n {
                0 => Vec::new(),
                n => some.into_iter().map(|index| index.index(n)).collect(),
            };
            let links = links.into_iter().enumerate();
            links.map(|(n, (needs, wants))| (earlier(n, needs), earlier(n, wants))).collect()
        })
    }

    fn node(n: usize) -> Address {
        Address::new("us-east-1", format!("N{n:02}"))
    }

    fn number(address: &Address) -> usize {
        address.resource[1..].parse().expect("a number")
    }

    fn tasks(links: &Links) -> Vec<Task> {
        let points = |some: &[usize]| some.iter().map(|n| Point::Ready(node(*n))).collect();
        let task = |(n, (needs, wants)): (usize, &(Vec<usize>, Vec<usize>))| Task {
            work: Work::Converge(node(n)),
            needs: points(needs),
            wants: points(wants),
            priority: 0,
        };
        let mut tasks: Vec<_> = links.iter().enumerate().map(task).collect();
        schedule::prioritise(&mut tasks, &BTreeMap::new());
        tasks
    }

    proptest! {
        /// Whatever fails, and in whatever order work ends: work starts after
        /// all that it needs, the longest chain first; what needs a failure is
        /// given up and names it; all else is done; nothing is left.
        #[test]
        fn work_starts_or_is_given_up(
            links in links(),
            fails in vec(proptest::bool::weighted(0.2), 12),
            picks in vec(any::<Index>(), 12),
        ) {
            let tasks = tasks(&links);
            let mut queue = Queue::new(tasks.clone(), []);
            let (mut running, mut ended, mut given_up) = (Vec::new(), BTreeSet::new(), BTreeMap::new());
            for pick in picks.iter().cycle() {
                for (work, culprit) in queue.give_up() {
                    given_up.insert(number(work.address()), number(&culprit));
                }
                let ready: Vec<usize> = queue.ready().iter().map(|work| number(work.address())).collect();
                prop_assert!(ready.is_sorted_by_key(|n| std::cmp::Reverse(tasks[*n].priority)));
                for n in &ready {
                    let needs = tasks[*n].needs.iter();
                    prop_assert!(needs.clone().all(|need| ended.contains(need)), "{n} began too early");
                }
                running.extend(ready);
                if running.is_empty() {
                    break;
                }
                let n = running.swap_remove(pick.index(running.len()));
                if fails[n] {
                    queue.failed(&tasks[n].work);
                } else {
                    queue.done(&tasks[n].work);
                    ended.insert(Point::Ready(node(n)));
                }
            }
            prop_assert_eq!(queue.left(), []);
            for (n, task) in tasks.iter().enumerate() {
                let lost = task.needs.iter().any(|need| !ended.contains(need));
                prop_assert_eq!(given_up.contains_key(&n), lost, "{}", n);
                prop_assert!(given_up.get(&n).is_none_or(|culprit| fails[*culprit]));
            }
        }

        /// The priority of work is the length of the longest chain behind it.
        #[test]
        fn the_longest_chain_has_the_highest_priority(links in links()) {
            let tasks = tasks(&links);
            for (n, task) in tasks.iter().enumerate() {
                let end = Point::Ready(node(n));
                let followers = tasks.iter().filter(|t| t.needs.contains(&end) || t.wants.contains(&end));
                let longest = followers.map(|task| task.priority).max().unwrap_or(0);
                prop_assert_eq!(task.priority, longest + 1);
            }
        }
    }

    #[test]
    fn nothing_waits_for_what_cannot_be_reached() {
        let links = Vec::from([(Vec::new(), Vec::new()), (Vec::from([0]), Vec::new())]);
        let mut tasks = tasks(&links);
        let unreachable = tasks.remove(0).work.address().clone();
        let mut queue = Queue::new(tasks, [&unreachable]);
        assert_eq!(queue.give_up(), [(Work::Converge(node(1)), unreachable)]);
    }
}
