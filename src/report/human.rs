//! Events for people: a bar for each region on a terminal, a line for each
//! node elsewhere.

use super::Reader;
use crate::address::Address;
use crate::engine::Summary;
use crate::engine::events::Event;
use crate::plan::{Action, Plan};
use crate::time;
use crate::ui::{Ui, counted};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// Writes for people.
pub(super) struct Human {
    ui: Ui,
    bars: Option<Bars>,
    /// What was last said of a node's waiting, and when, so that a log stays
    /// readable.
    said: HashMap<Address, (String, Instant)>,
}

/// How often a log repeats that a node still waits.
const REPEAT: Duration = Duration::from_secs(10);

struct Bars {
    all: MultiProgress,
    places: BTreeMap<String, ProgressBar>,
}

impl Human {
    pub(super) fn new(plan: &Plan, ui: Ui) -> Self {
        Self { ui, bars: ui.is_watched().then(|| Bars::new(plan)), said: HashMap::new() }
    }

    fn line(&self, text: &str) {
        match &self.bars {
            Some(bars) => bars.above(text),
            None => self.ui.story(text),
        }
    }

    fn waiting(&mut self, address: &Address, reason: &str) {
        if let Some(bars) = &self.bars {
            bars.say(address, &format!("{}: {reason}", address.resource));
            return;
        }
        let now = Instant::now();
        let repeated = self
            .said
            .get(address)
            .is_some_and(|(words, when)| words == reason && now.duration_since(*when) < REPEAT);
        if !repeated {
            self.ui.story(&format!("  {address}: {reason}"));
            self.said.insert(address.clone(), (reason.to_owned(), now));
        }
    }
}

impl Reader for Human {
    fn event(&mut self, event: &Event) {
        let paint = self.ui.paint_story();
        match event {
            Event::Started { address, action } => {
                if let Some(bars) = &self.bars {
                    bars.say(address, &format!("{}: {}", address.resource, doing(*action)));
                }
            }
            Event::Waiting { address, reason } => self.waiting(address, reason),
            Event::Finished { address, action, milliseconds } => {
                if let Some(bars) = &self.bars {
                    bars.step(address);
                } else {
                    let took = time::human(Duration::from_millis(*milliseconds));
                    self.line(&format!("  {address}: {} ({took})", done(*action)));
                }
            }
            Event::Failed { address, action, failure } => {
                self.line(&format!(
                    "{} {address}: {} failed: {failure}",
                    paint.red("Error:"),
                    noun(*action)
                ));
            }
            Event::Skipped { address, action, because } => {
                self.line(&format!(
                    "{} {address}: {} not begun: {because}",
                    paint.yellow("Left:"),
                    noun(*action)
                ));
            }
            Event::Created { .. } | Event::Called { .. } | Event::Stopping => {}
        }
    }

    fn summary(&mut self, summary: &Summary, calls: u64) {
        if let Some(bars) = &self.bars {
            bars.clear();
        }
        let done: Vec<String> = summary
            .done
            .iter()
            .map(|(action, count)| format!("{count} {}", done(*action)))
            .collect();
        let done = if done.is_empty() { "nothing done".to_owned() } else { done.join(", ") };
        let unreachable =
            summary.failed.iter().filter(|(_, action, _)| *action == Action::Unreachable).count();
        let mut text =
            format!("{done} in {} with {}", time::human(summary.took), counted(calls, "call"));
        for (count, word) in [
            (summary.failed.len() - unreachable, "failed"),
            (unreachable, "unreachable"),
            (summary.skipped.len(), "left"),
        ] {
            if count > 0 {
                text.push_str(&format_args!("; {count} {word}").to_string());
            }
        }
        self.ui.story(&text);
    }
}

impl Bars {
    fn new(plan: &Plan) -> Self {
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for step in plan.steps.iter().filter(|step| step.action != Action::None) {
            *totals.entry(step.address.place.clone()).or_default() += 1;
        }
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template(
            "{prefix:16} {bar:20.green/dim} {pos:>4}/{len:<4} {wide_msg}",
        );
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("██░");
        let places = totals
            .into_iter()
            .map(|(place, total)| {
                let bar = all.add(ProgressBar::new(total));
                bar.set_style(style.clone());
                bar.set_prefix(place.clone());
                (place, bar)
            })
            .collect();
        Self { all, places }
    }

    fn above(&self, text: &str) {
        let _terminal_is_gone = self.all.println(text);
    }

    fn say(&self, address: &Address, text: &str) {
        if let Some(bar) = self.places.get(&address.place) {
            bar.set_message(text.to_owned());
        }
    }

    fn step(&self, address: &Address) {
        if let Some(bar) = self.places.get(&address.place) {
            bar.inc(1);
            bar.set_message("");
        }
    }

    fn clear(&self) {
        for bar in self.places.values() {
            bar.finish();
        }
    }
}

fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "changing",
        Action::Replace => "replacing",
        Action::Adopt => "adopting",
        Action::Move => "moving",
        Action::Delete => "deleting",
        Action::Forget => "forgetting",
        Action::None | Action::Unreachable => "",
    }
}

fn done(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Replace => "replaced",
        Action::Adopt => "adopted",
        Action::Move => "moved",
        Action::Delete => "deleted",
        Action::Forget => "forgotten",
        Action::None | Action::Unreachable => "left alone",
    }
}

fn noun(action: Action) -> &'static str {
    match action {
        Action::Create => "creation",
        Action::Update => "change",
        Action::Replace => "replacement",
        Action::Adopt => "adoption",
        Action::Move => "move",
        Action::Delete => "deletion",
        Action::Forget => "forgetting",
        Action::None | Action::Unreachable => "work",
    }
}
