//! State in a folder: `<stack>.<env>.json`, its journal and its lock.

use super::journal::{self, Entry, Journal};
use super::lock::Lock;
use super::{State, StateError, VERSION};
use crate::durable;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The files of one deployment's state.
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
    deployment: String,
}

impl Files {
    /// Names the files of a deployment; touches none.
    pub fn new(folder: &Path, deployment: &str) -> Self {
        Self { folder: folder.to_owned(), deployment: deployment.to_owned() }
    }

    /// Returns the path of the snapshot.
    pub fn snapshot(&self) -> PathBuf {
        self.path("json")
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.deployment))
    }

    /// Reads the state, journal included. `None` when there is none.
    pub fn read(&self) -> Result<Option<State>, StateError> {
        let path = self.snapshot();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { action: "cannot read", path, source }),
        };
        let mut state = parse(&path, &bytes)?;
        journal::replay(&self.path("journal"), &mut state)?;
        Ok(Some(state))
    }

    /// Takes the lock; the folder is made if need be.
    pub fn lock(&self, command: &str) -> Result<Lock, StateError> {
        fs::create_dir_all(&self.folder).map_err(|source| StateError::Io {
            action: "cannot make",
            path: self.folder.clone(),
            source,
        })?;
        Lock::take(&self.path("lock"), &self.deployment, command)
    }

    /// Opens the state for writing: what the last run left in its journal is
    /// taken into a snapshot first.
    pub fn open(&self, mut state: State, lock: Lock) -> Result<Store, StateError> {
        write_snapshot(&self.snapshot(), &mut state)?;
        let journal = Journal::begin(&self.path("journal"), &state)?;
        Ok(Store { files: self.clone(), state, journal, _lock: lock })
    }
}

fn parse(path: &Path, bytes: &[u8]) -> Result<State, StateError> {
    let corrupt = |error: serde_json::Error| StateError::Corrupt {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let value: serde_json::Value = serde_json::from_slice(bytes).map_err(corrupt)?;
    match value.get("version").and_then(serde_json::Value::as_u64) {
        Some(found) if found > u64::from(VERSION) => {
            Err(StateError::Newer { path: path.to_owned(), found })
        }
        Some(_) => serde_json::from_value(value).map_err(corrupt),
        None => Err(StateError::Corrupt {
            path: path.to_owned(),
            reason: "it does not say its format version".to_owned(),
        }),
    }
}

/// A state that is being changed: locked, with an open journal.
#[derive(Debug)]
pub struct Store {
    files: Files,
    state: State,
    journal: Journal,
    _lock: Lock,
}

impl Store {
    /// Returns the state as of the last write.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Journals entries with one sync, then applies them.
    pub fn write(&mut self, entries: Vec<Entry>) -> Result<(), StateError> {
        self.journal.append(&entries)?;
        entries.into_iter().for_each(|entry| self.state.apply(entry));
        Ok(())
    }

    /// Writes a snapshot, drops the journal, and gives up the lock. A
    /// deployment that holds nothing keeps no files.
    pub fn close(mut self) -> Result<State, StateError> {
        let snapshot = self.files.snapshot();
        if self.state.is_empty() {
            // The journal goes last: without its snapshot it means nothing.
            remove(&snapshot)?;
            remove(&backup(&snapshot))?;
        } else {
            write_snapshot(&snapshot, &mut self.state)?;
        }
        remove(&self.files.path("journal"))?;
        Ok(self.state)
    }
}

fn backup(snapshot: &Path) -> PathBuf {
    snapshot.with_extension("json.backup")
}

fn remove(path: &Path) -> Result<(), StateError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(StateError::Io { action: "cannot remove", path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Replaces the snapshot in one step and keeps the one before as `.backup`.
fn write_snapshot(path: &Path, state: &mut State) -> Result<(), StateError> {
    let wrong = |source| StateError::Io { action: "cannot write", path: path.to_owned(), source };
    state.serial += 1;
    let mut text = serde_json::to_vec_pretty(state).map_err(|error| wrong(error.into()))?;
    text.push(b'\n');
    if path.exists() {
        fs::copy(path, backup(path)).map_err(wrong)?;
    }
    durable::replace(path, &text).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State::new("s", "dev", "000000000000", "us-east-1", &["us-east-1".to_owned()])
    }

    #[test]
    fn what_a_killed_run_journaled_is_read_by_the_next() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::new(folder.path(), "s.dev");
        let mut store = files.open(state(), files.lock("apply").expect("free")).expect("opened");
        let outputs =
            [("A".to_owned(), super::super::OutputValue { value: "x".into(), description: None })];
        store.write(vec![Entry::Outputs { outputs: outputs.into() }]).expect("written");
        drop(store);
        let read = files.read().expect("readable").expect("there");
        assert_eq!(read.outputs["A"].value, "x");
    }

    #[test]
    fn a_state_that_cannot_be_used_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::new(folder.path(), "s.dev");
        assert!(files.read().expect("readable").is_none());
        fs::write(files.snapshot(), "{\"version\": 1, ").expect("written");
        assert!(matches!(files.read(), Err(StateError::Corrupt { .. })));
        fs::write(files.snapshot(), "{\"version\": 99}").expect("written");
        assert!(matches!(files.read(), Err(StateError::Newer { found: 99, .. })));
    }
}
