//! Every kind, through the real binary: made, changed in place, replaced and
//! removed, with the live resource read back.
//!
//! A file in `tests/kinds` is one case. Its first document is a stack file
//! whose resource `Subject` is under test; each further one sets properties of
//! the subject (null removes one) and says what that does to it:
//!
//! ```yaml
//! Set: {VisibilityTimeout: 90, DelaySeconds: null}
//! Expect: update # or replace
//! ```
//!
//! What the subject needs and payctl does not make is listed in `Outside` (see
//! `kinds/outside.rs`).
//!
//! `PAYCTL_CASE=sqs_queue cargo test kinds::` runs one case alone.

mod case;
mod live;
mod outside;

pub(crate) use case::Case;
use std::any::Any;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::thread;

/// How many cases run at once.
const WORKERS: usize = 4;

#[test]
fn kinds_are_made_changed_and_removed() {
    let queue = Mutex::new(files());
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(file) = next(&queue) {
                    if let Err(panic) = catch_unwind(|| Case::read(&file).run()) {
                        let name = file.file_stem().unwrap_or_default().to_string_lossy();
                        failures
                            .lock()
                            .expect("no one panics here")
                            .push(format!("### {name}\n{}\n", message(panic.as_ref())));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no one panics here");
    failures.sort();
    assert!(failures.is_empty(), "{} cases failed:\n\n{}", failures.len(), failures.join("\n"));
}

fn next(queue: &Mutex<Vec<PathBuf>>) -> Option<PathBuf> {
    queue.lock().expect("no one panics here").pop()
}

/// Returns the case files, the last first.
pub(crate) fn files() -> Vec<PathBuf> {
    let wanted = std::env::var("PAYCTL_CASE").ok();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kinds");
    let entries = fs::read_dir(folder).expect("list the cases");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| {
        let name = file.file_stem().unwrap_or_default().to_string_lossy();
        wanted.as_ref().is_none_or(|wanted| *wanted == name)
    });
    assert!(!files.is_empty(), "no such case: {wanted:?}");
    files.sort_by(|a, b| b.cmp(a));
    files
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("a panic")
}
