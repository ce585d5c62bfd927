//! Files that nothing names would not be compiled, and nobody would notice.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn every_test_file_is_a_module() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut forgotten = Vec::new();
    unnamed(&tests.join("it"), &tests.join("it/main.rs"), &mut forgotten);
    unnamed(&tests.join("support"), &tests.join("support/mod.rs"), &mut forgotten);
    assert!(forgotten.is_empty(), "no 'mod' line names {forgotten:#?}");
}

#[test]
fn every_resource_file_is_a_module() {
    let resources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/resources");
    let mut forgotten = Vec::new();
    unnamed(&resources, &resources.join("mod.rs"), &mut forgotten);
    assert!(forgotten.is_empty(), "src/resources/mod.rs does not name {forgotten:#?}");
}

/// Collects the Rust files of a folder and below that `parent`, or the file
/// beside their folder, does not declare.
fn unnamed(folder: &Path, parent: &Path, found: &mut Vec<PathBuf>) {
    let declared = fs::read_to_string(parent).expect("read a module's parent");
    for entry in fs::read_dir(folder).expect("list a folder") {
        let path = entry.expect("read a folder's entry").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let is_module = path.extension().is_some_and(|extension| extension == "rs");
        if is_module && path != parent {
            let line = format!("mod {name};");
            if !declared
                .lines()
                .any(|l| l.trim_start_matches("pub ").trim_start_matches("pub(crate) ") == line)
            {
                found.push(path);
            }
        } else if path.is_dir() && path.with_extension("rs").exists() {
            unnamed(&path, &path.with_extension("rs"), found);
        }
    }
}
