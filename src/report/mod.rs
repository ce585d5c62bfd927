//! Readers of the engine's event stream: for people, and as JSON lines.

mod human;
pub mod json;

use crate::engine::Summary;
use crate::engine::events::Event;
use crate::plan::Plan;
use crate::ui::Ui;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// People, on stderr.
    Human,
    /// Programs, on stdout.
    Json,
}

/// What a reader does with events.
trait Reader: Send {
    /// Takes one event.
    fn event(&mut self, event: &Event);
    /// Tells how the run ended.
    fn summary(&mut self, summary: &Summary, calls: u64);
}

/// A reader at work.
pub struct Reporter {
    task: JoinHandle<Box<dyn Reader>>,
    finished: tokio::sync::oneshot::Sender<()>,
}

/// Starts reading events.
pub fn start(
    mut events: mpsc::UnboundedReceiver<Event>,
    style: Style,
    plan: &Plan,
    ui: &Ui,
) -> Reporter {
    let mut reader: Box<dyn Reader> = match style {
        Style::Human => Box::new(human::Human::new(plan, *ui)),
        Style::Json => Box::new(json::Json::new(*ui)),
    };
    let (finished, mut is_finished) = tokio::sync::oneshot::channel();
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => reader.event(&event),
                    None => return reader,
                },
                // Everything that was sent before has been read by now.
                _ = &mut is_finished => return reader,
            }
        }
    });
    Reporter { task, finished }
}

impl Reporter {
    /// Reads what is left, then tells how the run ended.
    pub async fn finish(self, summary: &Summary, calls: u64) {
        let _reader_has_ended = self.finished.send(());
        if let Ok(mut reader) = self.task.await {
            reader.summary(summary, calls);
        }
    }
}
