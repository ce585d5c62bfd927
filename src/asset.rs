//! Local code as a reproducible zip: names sorted, times and modes fixed, so
//! that the hash changes only when the content does.

use crate::resource::Asset;
use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What a folder holds beside its code, and what must not change its hash.
const IGNORED: &[&str] = &["__pycache__", ".pytest_cache", ".DS_Store", ".git"];

/// The zips of a run, by hash. Each path is zipped once.
#[derive(Debug, Default)]
pub struct Assets {
    made: Mutex<HashMap<PathBuf, Asset>>,
    zips: Mutex<HashMap<String, Vec<u8>>>,
}

impl Assets {
    /// Zips a file or folder below `root` and returns its description.
    pub fn add(&self, root: &Path, path: &str) -> io::Result<Asset> {
        let full = root.join(path);
        let mut made = lock(&self.made);
        if let Some(asset) = made.get(&full) {
            return Ok(asset.clone());
        }
        let zip = zip(&full)?;
        let asset = Asset { path: path.to_owned().into(), sha256: crate::hash::base64(&zip) };
        lock(&self.zips).insert(asset.sha256.clone(), zip);
        made.insert(full, asset.clone());
        Ok(asset)
    }

    /// Returns the zip with this hash.
    pub fn zip(&self, sha256: &str) -> Option<Vec<u8>> {
        lock(&self.zips).get(sha256).cloned()
    }
}

/// Locks a mutex; a panic elsewhere has left nothing half-made in these maps.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns the zip of a file or folder.
pub fn zip(path: &Path) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    if path.is_dir() {
        collect(path, "", &mut files)?;
        if files.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "the folder holds no files"));
        }
    } else {
        let name =
            path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push((name, fs::read(path)?));
    }
    files.sort();
    zip_files(&files)
}

/// Returns a zip of one file with the given text.
pub fn zip_text(name: &str, text: &str) -> io::Result<Vec<u8>> {
    zip_files(&[(name.to_owned(), text.as_bytes().to_vec())])
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if IGNORED.contains(&name.as_str()) || name.ends_with(".pyc") {
            continue;
        }
        let inner = format!("{prefix}{name}");
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{inner}/"), files)?;
        } else {
            files.push((inner, fs::read(entry.path())?));
        }
    }
    Ok(())
}

fn zip_files(files: &[(String, Vec<u8>)]) -> io::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(name.as_str(), options)?;
        writer.write_all(content)?;
    }
    Ok(writer.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zip_depends_on_names_and_content_alone() {
        let one = tempfile::tempdir().expect("a folder");
        let two = tempfile::tempdir().expect("a folder");
        for (folder, names) in [(&one, ["a.py", "b/c.py"]), (&two, ["b/c.py", "a.py"])] {
            for name in names {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().expect("a parent")).expect("made");
                fs::write(path, name).expect("written");
            }
        }
        fs::create_dir_all(two.path().join("__pycache__")).expect("made");
        fs::write(two.path().join("__pycache__/a.pyc"), "x").expect("written");
        let first = zip(one.path()).expect("zipped");
        assert_eq!(first, zip(two.path()).expect("zipped"));
        fs::write(two.path().join("a.py"), "changed").expect("written");
        assert_ne!(first, zip(two.path()).expect("zipped"));
    }
}
