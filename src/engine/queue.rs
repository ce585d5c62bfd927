//! What of a plan's work may start, given what was reached and what failed.

use super::schedule::{self, Point, Task, Work};
use crate::address::Address;
use std::collections::{HashMap, HashSet, VecDeque};

/// The work that has not begun, and what it waits for.
pub(super) struct Queue {
    /// The tasks; one that has begun or was given up is taken out.
    tasks: Vec<Option<Task>>,
    /// How many points each task still waits for.
    open: Vec<usize>,
    /// Which tasks wait for a point.
    waiting: HashMap<Point, Vec<usize>>,
    /// Tasks that wait for nothing more.
    ready: Vec<usize>,
    /// Tasks that need what will never be reached, and whose failure that is.
    hopeless: VecDeque<(usize, Address)>,
    reached: HashSet<Point>,
    lost: HashSet<Point>,
    /// Nodes that are not ready when they are settled.
    completed_later: HashSet<Address>,
}

impl Queue {
    /// Queues work. Nothing of what is `lost` will ever be reached.
    pub(super) fn new<'a>(tasks: Vec<Task>, lost: impl IntoIterator<Item = &'a Address>) -> Self {
        let completed_later = tasks.iter().filter(|task| matches!(task.work, Work::Complete(_)));
        let mut queue = Self {
            completed_later: completed_later.map(|task| task.work.address().clone()).collect(),
            open: tasks.iter().map(|task| task.needs.len() + task.wants.len()).collect(),
            waiting: HashMap::new(),
            ready: Vec::new(),
            hopeless: VecDeque::new(),
            reached: HashSet::new(),
            lost: HashSet::new(),
            tasks: Vec::new(),
        };
        for (n, task) in tasks.iter().enumerate() {
            for point in task.needs.iter().chain(&task.wants) {
                queue.waiting.entry(point.clone()).or_default().push(n);
            }
            if queue.open[n] == 0 {
                queue.ready.push(n);
            }
        }
        queue.tasks = tasks.into_iter().map(Some).collect();
        for address in lost {
            Point::all(address).into_iter().for_each(|point| queue.lose(point, address));
        }
        queue
    }

    /// AWS has named a node.
    pub(super) fn created(&mut self, address: Address) {
        self.reach(Point::Created(address));
    }

    /// Some work is done. Returns whether the node is as planned now.
    pub(super) fn done(&mut self, work: &Work) -> bool {
        self.reached_by(work).into_iter().for_each(|point| self.reach(point));
        match work {
            Work::Converge(address) => !self.completed_later.contains(address),
            Work::Complete(_) | Work::Delete(_) => true,
            Work::DeleteOld(_) => false,
        }
    }

    /// Some work has failed: what it did not reach, nothing will.
    pub(super) fn failed(&mut self, work: &Work) {
        self.lose_all(work, work.address());
    }

    /// Takes the work out that needs what will never be reached, with the node
    /// whose failure that is.
    pub(super) fn give_up(&mut self) -> Vec<(Work, Address)> {
        let mut given_up = Vec::new();
        while let Some((n, culprit)) = self.hopeless.pop_front() {
            let Some(task) = self.tasks[n].take() else { continue };
            self.lose_all(&task.work, &culprit);
            given_up.push((task.work, culprit));
        }
        given_up
    }

    /// Takes the work out that may start, the longest chains first.
    pub(super) fn ready(&mut self) -> Vec<Work> {
        let ready = std::mem::take(&mut self.ready);
        let mut ready: Vec<Task> = ready.into_iter().filter_map(|n| self.tasks[n].take()).collect();
        ready.sort_by(|a, b| b.priority.cmp(&a.priority).then_with(|| a.work.cmp(&b.work)));
        ready.into_iter().map(|task| task.work).collect()
    }

    /// Returns the work that never began.
    pub(super) fn left(&mut self) -> Vec<Work> {
        self.tasks.drain(..).flatten().map(|task| task.work).collect()
    }

    /// A node may be said to be created after its failure is known.
    fn reach(&mut self, point: Point) {
        if self.lost.contains(&point) || !self.reached.insert(point.clone()) {
            return;
        }
        self.waiting.remove(&point).into_iter().flatten().for_each(|n| self.free(n));
    }

    fn lose(&mut self, point: Point, culprit: &Address) {
        if self.reached.contains(&point) || !self.lost.insert(point.clone()) {
            return;
        }
        for n in self.waiting.remove(&point).into_iter().flatten() {
            match &self.tasks[n] {
                Some(task) if task.needs.contains(&point) => {
                    self.hopeless.push_back((n, culprit.clone()));
                }
                // What is wanted is done without.
                _ => self.free(n),
            }
        }
    }

    fn lose_all(&mut self, work: &Work, culprit: &Address) {
        for point in self.reached_by(work) {
            self.lose(point, culprit);
        }
    }

    /// A task waits for one point less.
    fn free(&mut self, n: usize) {
        self.open[n] -= 1;
        if self.open[n] == 0 {
            self.ready.push(n);
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
    use std::collections::{BTreeMap, BTreeSet};

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
