//! One process at a time changes a deployment. The lock is the operating
//! system's, on a file of its own, so it goes with its process however that
//! ends; the file's text says who holds it.

use super::StateError;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

/// Who holds a lock.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    pid: u32,
    command: String,
    since: String,
}

/// A held lock, released when dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Takes the lock of a deployment, or says who holds it.
    pub fn take(path: &Path, deployment: &str, command: &str) -> Result<Self, StateError> {
        let wrong =
            |source| StateError::Io { action: "cannot lock", path: path.to_owned(), source };
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(path)
            .map_err(wrong)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StateError::Locked {
                    deployment: deployment.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => return Err(wrong(source)),
        }
        let me = Holder {
            pid: std::process::id(),
            command: command.to_owned(),
            since: crate::time::now(),
        };
        let text = serde_json::to_string(&me).map_err(|error| wrong(error.into()))?;
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()))
            .map_err(wrong)?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file releases the lock in any case; emptying it first
        // only keeps a finished holder from being named.
        let _closed_anyway = self.file.set_len(0).and_then(|()| self.file.unlock());
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.read_to_string(&mut text).ok();
    match read.and_then(|_| serde_json::from_str::<Holder>(&text).ok()) {
        Some(holder) => {
            format!("process {} ('{}', since {})", holder.pid, holder.command, holder.since)
        }
        None => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = Lock::take(&path, "s.dev", "payctl apply").expect("free");
        let refused = Lock::take(&path, "s.dev", "payctl destroy").expect_err("held");
        assert!(refused.to_string().contains(&std::process::id().to_string()), "{refused}");
        assert!(refused.to_string().contains("payctl apply"), "{refused}");
        drop(held);
        Lock::take(&path, "s.dev", "payctl destroy").expect("free again");
    }
}
