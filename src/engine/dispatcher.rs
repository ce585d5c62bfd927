//! The one owner of state and journal while they change.
//!
//! It runs on a thread of its own, for every write ends in a sync. Writes that
//! arrive while a sync is under way share the next one.

use crate::resource::Failure;
use crate::state::StateError;
use crate::state::journal::Entry;
use crate::state::local::Store;
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

type Answer = oneshot::Sender<Result<(), String>>;

/// A handle to the dispatcher. Cheap to clone; the thread ends when the last
/// one is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Dispatcher {
    sender: mpsc::UnboundedSender<(Vec<Entry>, Answer)>,
}

/// The dispatcher's thread.
#[derive(Debug)]
pub(super) struct Running {
    thread: JoinHandle<Store>,
}

impl Dispatcher {
    /// Starts a dispatcher that owns `store`.
    pub(super) fn start(mut store: Store) -> (Self, Running) {
        let (sender, mut receiver) = mpsc::unbounded_channel::<(Vec<Entry>, Answer)>();
        let thread = std::thread::spawn(move || {
            while let Some((mut entries, answer)) = receiver.blocking_recv() {
                let mut answers = vec![answer];
                while let Ok((more, answer)) = receiver.try_recv() {
                    entries.extend(more);
                    answers.push(answer);
                }
                let written = store.write(entries).map_err(|error| error.to_string());
                for answer in answers {
                    // A worker that was stopped no longer listens.
                    let _nobody_listens = answer.send(written.clone());
                }
            }
            store
        });
        (Self { sender }, Running { thread })
    }

    /// Writes entries; returns once they are on disk.
    pub(super) async fn write(&self, entries: Vec<Entry>) -> Result<(), Failure> {
        let lost = || Failure::refused("the state can no longer be written");
        let (sender, receiver) = oneshot::channel();
        self.sender.send((entries, sender)).map_err(|_| lost())?;
        let written = receiver.await.map_err(|_| lost())?;
        written.map_err(|error| {
            Failure::refused(format!("{error}. What AWS did since is found again by the next run"))
        })
    }
}

impl Running {
    /// Waits until every handle is gone and every write is done.
    pub(super) fn join(self) -> Result<Store, StateError> {
        self.thread.join().map_err(|_| StateError::Io {
            action: "cannot write",
            path: std::path::PathBuf::from("the state"),
            source: std::io::Error::other(
                "the thread that writes it ended. This is a bug in payctl",
            ),
        })
    }
}
