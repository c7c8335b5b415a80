//! Where results go: standard output, and files that are whole or not there.
//!
//! Owns: what a closed pipe means, and that a file is replaced only by a complete one.
//! Never: what is written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Writes to standard output. A reader that has seen enough and closed the pipe (`highwater list | head -1`) is no
/// error: nobody is left to be told.
///
/// # Errors
/// Anything else that keeps the text from being written, such as a full disk behind a redirection.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::World {
            doing: "write to standard output".to_owned(),
            reason: error.to_string(),
        }),
        _ => Ok(()),
    }
}

/// CSV as a text.
///
/// # Errors
/// Those of the rows: memory takes everything.
pub fn csv_text(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    write(&mut bytes).map_err(|error| Failure::World {
        doing: "write CSV".to_owned(),
        reason: error.to_string(),
    })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Adds to a file that others add to as well, such as the summary of a job.
///
/// # Errors
/// Those of the file system.
pub fn append(path: &Path, text: &str) -> Result<(), Failure> {
    let mut options = File::options();
    let written = options
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| failure("add to", path, &error))
}

/// A single file, whole or not there: a [`Folder`] of one.
#[derive(Debug)]
pub struct Single {
    folder: Folder,
    name: String,
}

impl Single {
    /// Tries that the file can be written: better before a long run than after it. Its folder is made where need be.
    ///
    /// # Errors
    /// When it cannot, or the path is no file's.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .filter(|_| !path.is_dir());
        let Some(name) = name else {
            return Err(Failure::Usage {
                message: format!("`{}` is not the path of a file", path.display()),
                help: "name the file that is to be written".to_owned(),
            });
        };
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        Ok(Self {
            folder: Folder::open(parent.unwrap_or(Path::new(".")))?,
            name: name.to_owned(),
        })
    }

    /// Writes it, and says so on standard error.
    ///
    /// # Errors
    /// Those of the file system; what was there before is then still there.
    pub fn write(mut self, text: &str) -> Result<(), Failure> {
        self.folder.write(&self.name, |file| file.write_all(text.as_bytes()))?;
        for path in self.folder.commit()? {
            eprintln!("wrote {}", path.strip_prefix(".").unwrap_or(&path).display());
        }
        Ok(())
    }
}

/// A folder for results. Files are written beside their final names and get these only once all are complete, so that a
/// full disk leaves what was there before.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// Temporary file and final name.
    pending: Vec<(PathBuf, PathBuf)>,
}

impl Folder {
    /// Makes the folder and tries that it can be written: better before a long run than after it.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let folder = Self {
            path: path.to_owned(),
            pending: Vec::new(),
        };
        fs::create_dir_all(path).map_err(|error| failure("create the folder", path, &error))?;
        let probe = folder.temporary("probe");
        File::create(&probe)
            .and_then(|_| fs::remove_file(&probe))
            .map_err(|error| failure("write into the folder", path, &error))?;
        Ok(folder)
    }

    /// Writes a file under a temporary name.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&mut self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let path = self.path.join(name);
        let temporary = self.temporary(name);
        self.pending.push((temporary.clone(), path.clone()));
        let written = File::create(&temporary).and_then(|file| {
            let mut buffer = BufWriter::with_capacity(1 << 16, file);
            write(&mut buffer)?;
            // A disk may say that it is full only when the bytes are really to be kept.
            buffer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
        });
        written.map_err(|error| failure("write", &path, &error))
    }

    /// Gives the files their names. Returns these.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn commit(mut self) -> Result<Vec<PathBuf>, Failure> {
        let mut names = Vec::new();
        for (temporary, path) in &self.pending {
            fs::rename(temporary, path).map_err(|error| failure("write", path, &error))?;
            names.push(path.clone());
        }
        self.pending.clear();
        Ok(names)
    }

    /// The name of a file in the folder, for a message.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn temporary(&self, name: &str) -> PathBuf {
        // The process number keeps two runs into one folder apart.
        self.path.join(format!(".{name}.{}.tmp", std::process::id()))
    }
}

impl Drop for Folder {
    /// Takes away what was not finished. That it cannot be is not worth a second message after the first.
    fn drop(&mut self) {
        for (temporary, _) in &self.pending {
            let _ = fs::remove_file(temporary);
        }
    }
}

fn failure(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::World {
        doing: format!("{doing} {}", path.display()),
        reason: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path).expect("a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    // Lost if broken: yesterday's good result, overwritten by half of today's.
    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a"), "before").expect("written");
        let mut out = Folder::open(folder.path()).expect("writable");
        out.write("a", |file| file.write_all(b"after")).expect("written");
        let refused = out.write("b", |_| Err(io::Error::other("disk full")));
        assert_eq!(
            refused.expect_err("refused").to_string(),
            format!(
                "error: could not write {}: disk full",
                folder.path().join("b").display()
            )
        );
        drop(out);
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read_to_string(folder.path().join("a")).expect("readable"), "before");
    }

    // Lost if broken: results that never appear, or temporary files beside them.
    #[test]
    fn a_commit_names_all_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/deep");
        let mut out = Folder::open(&path).expect("writable");
        out.write("a", |file| file.write_all(b"1")).expect("written");
        out.write("b", |file| file.write_all(b"2")).expect("written");
        assert_eq!(out.commit().expect("renamed"), [path.join("a"), path.join("b")]);
        assert_eq!(names(&path), ["a", "b"]);
    }

    // Lost if broken: an hour of simulation before the news that it cannot be written.
    #[test]
    fn a_folder_that_is_a_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        fs::write(&file, "").expect("written");
        let refused = Folder::open(&file).expect_err("refused");
        assert!(refused.to_string().contains("could not create the folder"), "{refused}");
    }
}
