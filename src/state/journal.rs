//! The journal: one line per entry, each with a checksum, appended and synced
//! before what it announces may happen and after it has happened.

use super::{OutputValue, Pending, Record, State, StateError};
use crate::address::Address;
use crate::resource::Class;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub enum Entry {
    /// The creation of a node begins: from here on it may exist.
    Pending {
        /// The node.
        address: Address,
        /// What is being made.
        pending: Pending,
    },
    /// The node is as the record says.
    Put {
        /// The node.
        address: Address,
        /// What is known of it.
        record: Record,
    },
    /// The node is gone, or was never made.
    Remove {
        /// The node.
        address: Address,
    },
    /// The deployment's regions.
    Regions {
        /// The primary.
        primary: String,
        /// All, in order.
        regions: Vec<String>,
    },
    /// The outputs.
    Outputs {
        /// By name.
        outputs: BTreeMap<String, OutputValue>,
    },
    /// A mutating call is about to be sent.
    Intent {
        /// Its number in this run.
        n: u64,
        /// The node that it is for.
        address: Address,
        /// `sqs:CreateQueue`.
        operation: String,
    },
    /// That call has ended.
    Outcome {
        /// The number of its intent.
        n: u64,
        /// Why it failed; none when it succeeded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Class>,
    },
}

/// The first line: which snapshot the entries follow.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    lineage: String,
    serial: u64,
}

/// An open journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins a new journal after the snapshot `state`.
    pub fn begin(path: &Path, state: &State) -> Result<Self, StateError> {
        let wrong =
            |source| StateError::Io { action: "cannot write", path: path.to_owned(), source };
        let file =
            OpenOptions::new().create(true).write(true).truncate(true).open(path).map_err(wrong)?;
        let mut journal = Self { path: path.to_owned(), file };
        let header = Header { lineage: state.lineage.clone(), serial: state.serial };
        journal.write_lines(&[line(&header).map_err(wrong)?])?;
        crate::durable::sync_parent(path).map_err(wrong)?;
        Ok(journal)
    }

    /// Appends entries and syncs them with one call.
    pub fn append(&mut self, entries: &[Entry]) -> Result<(), StateError> {
        let lines: io::Result<Vec<_>> = entries.iter().map(line).collect();
        let lines = lines.map_err(|source| self.wrong(source))?;
        self.write_lines(&lines)
    }

    fn write_lines(&mut self, lines: &[String]) -> Result<(), StateError> {
        let written =
            self.file.write_all(lines.concat().as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| self.wrong(source))
    }

    fn wrong(&self, source: io::Error) -> StateError {
        StateError::Io { action: "cannot write", path: self.path.clone(), source }
    }
}

/// Replays the journal at `path`, if it follows the snapshot, into `state`.
/// Returns how many entries it held.
pub fn replay(path: &Path, state: &mut State) -> Result<usize, StateError> {
    let text = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(source) => {
            return Err(StateError::Io { action: "cannot read", path: path.to_owned(), source });
        }
    };
    replay_bytes(&text, state)
        .map_err(|reason| StateError::Corrupt { path: path.to_owned(), reason })
}

/// Replays the bytes of a journal. A last line that is torn was never acted
/// upon, so it is ignored; a bad line before the last is corruption.
fn replay_bytes(bytes: &[u8], state: &mut State) -> Result<usize, String> {
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    // What follows the last newline is torn, or empty.
    let whole = &lines[..lines.len().saturating_sub(1)];
    let Some((first, entries)) = whole.split_first() else { return Ok(0) };
    let Some(header) = parse::<Header>(first) else {
        return if entries.is_empty() { Ok(0) } else { Err("line 1 is damaged".to_owned()) };
    };
    if header.lineage != state.lineage || header.serial != state.serial {
        // The snapshot was replaced and the journal not yet: it is contained.
        return Ok(0);
    }
    for (index, bytes) in entries.iter().enumerate() {
        match parse::<Entry>(bytes) {
            Some(entry) => state.apply(entry),
            None if index + 1 == entries.len() => return Ok(index),
            None => return Err(format!("line {} of the journal is damaged", index + 2)),
        }
    }
    Ok(entries.len())
}

/// Returns a line: eight digits of checksum, a space, JSON, a newline.
fn line<T: Serialize>(value: &T) -> io::Result<String> {
    let json = serde_json::to_string(value)?;
    Ok(format!("{} {json}\n", &crate::hash::hex(json.as_bytes())[..8]))
}

fn parse<T: for<'a> Deserialize<'a>>(line: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(line).ok()?;
    let (sum, json) = text.split_once(' ')?;
    (crate::hash::hex(json.as_bytes()).get(..8) == Some(sum))
        .then(|| serde_json::from_str(json).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Id;
    use crate::state::Status;
    use serde_json::json;

    fn record(id: &str) -> Record {
        Record {
            type_name: "AWS::SQS::Queue".to_owned(),
            region: "us-east-1".to_owned(),
            id: Id::from(id),
            status: Status::Ready,
            generation: 0,
            properties: json!({"QueueName": id}),
            attributes: json!({}),
            dependencies: Vec::new(),
            retain: false,
            outgoing: Vec::new(),
        }
    }

    #[test]
    fn every_prefix_replays() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let state = State::new("s", "dev", "000000000000", "us-east-1", &["us-east-1".to_owned()]);
        let mut journal = Journal::begin(&path, &state).expect("begun");
        let address = |name: &str| Address::new("us-east-1", name);
        let entries = [
            Entry::Put { address: address("A"), record: record("a") },
            Entry::Intent { n: 1, address: address("B"), operation: "sqs:CreateQueue".to_owned() },
            Entry::Put { address: address("B"), record: record("b") },
            Entry::Remove { address: address("A") },
        ];
        for entry in &entries {
            journal.append(std::slice::from_ref(entry)).expect("appended");
        }
        let bytes = std::fs::read(&path).expect("read");
        let mut seen = Vec::new();
        for end in 0..=bytes.len() {
            let mut replayed = state.clone();
            let count = replay_bytes(&bytes[..end], &mut replayed).expect("any prefix replays");
            let mut expected = state.clone();
            entries[..count].iter().cloned().for_each(|entry| expected.apply(entry));
            assert_eq!(replayed, expected, "cut at byte {end}");
            seen.push(count);
        }
        assert_eq!(seen.last(), Some(&entries.len()));
    }

    #[test]
    fn damage_before_the_last_line_is_corruption() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let mut state = State::new("s", "dev", "000000000000", "us-east-1", &[]);
        let mut journal = Journal::begin(&path, &state).expect("begun");
        let entry =
            |name| Entry::Put { address: Address::new("us-east-1", name), record: record(name) };
        journal.append(&[entry("A"), entry("B")]).expect("appended");
        let text = std::fs::read_to_string(&path).expect("read").replacen("\"A\"", "\"X\"", 1);
        let text = text.replacen("us-east-1/A", "us-east-1/Z", 1);
        std::fs::write(&path, text).expect("written");
        assert!(matches!(replay(&path, &mut state), Err(StateError::Corrupt { .. })));
    }
}
