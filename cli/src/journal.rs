//! The folder of a study: its journal, which grows by a line with each finished point, and the files made from it.
//!
//! Owns: that one process at a time writes to it, that what was torn off by a crash is run again, and that the finished
//! journal has its points in their order.
//! Never: what a line says (`highwater_report::sweep::journal`).
//!
//! A line is on its way to the disk before the next point is handed over, so that a process that is killed loses nothing
//! it had finished; the disk itself is waited for once a second and at the end, for the sake of a machine that loses its
//! power.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use highwater_models::record::sweep::{Design, Point};
use highwater_report::sweep::journal::{design_line, point_line, read_design, read_point};

use crate::failure::Failure;

/// The journal.
pub const POINTS: &str = "points.jsonl";
/// The files that are made from a whole journal.
pub const RESULTS: [&str; 3] = ["points.csv", "wide.csv", "summary.json"];

const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Keeps other processes out of a folder for as long as it lives, and no longer: the system lets go of it when the process
/// ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Lock {
    /// Makes the folder and takes it.
    ///
    /// # Errors
    /// When another process has it, or it cannot be made or written.
    pub fn take(folder: &Path) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(|error| failure("create the folder", folder, &error))?;
        let path = folder.join(".lock");
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let mut file = open.map_err(|error| failure("write into the folder", folder, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                let _ = file.read_to_string(&mut owner);
                let owner = match owner.trim() {
                    "" => "another process".to_owned(),
                    number => format!("process {number}"),
                };
                return Err(Failure::World {
                    doing: format!("write into {}", folder.display()),
                    reason: format!("{owner} is at work there; wait for it, or give another `--out`"),
                });
            }
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                eprintln!(
                    "note: {} cannot be locked; see to it that one process writes there",
                    folder.display()
                );
            }
            Err(TryLockError::Error(error)) => return Err(failure("lock", &path, &error)),
        }
        let number = format!("{}\n", std::process::id());
        let written = file.set_len(0).and_then(|()| file.write_all(number.as_bytes()));
        written.map_err(|error| failure("write into the folder", folder, &error))?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    /// Leaves nothing of this process in the file; the file stays, since another process may be about to lock it.
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
    }
}

/// What a journal says.
#[derive(Debug, Default)]
pub struct Content {
    /// The design on its first line; `None` where there is none.
    pub design: Option<Design>,
    /// The lines of points, by number, each with its end.
    pub lines: BTreeMap<usize, String>,
    /// Bytes up to the end of the last whole line.
    whole: u64,
    /// Bytes after that.
    pub torn: u64,
}

impl Content {
    /// Reads a journal. A line that is not whole or does not parse ends it: what follows was written by no one in his right
    /// mind, or is lost.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(POINTS);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failure("read", &path, &error)),
        };
        let mut content = Self::default();
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(text) = std::str::from_utf8(line).ok().filter(|text| text.ends_with('\n')) else {
                break;
            };
            match &content.design {
                None => match read_design(text) {
                    Some(design) => content.design = Some(design),
                    None => break,
                },
                Some(design) => match read_point(text) {
                    Some(point) if point.number < design.points() => {
                        content.lines.entry(point.number).or_insert_with(|| text.to_owned());
                    }
                    _ => break,
                },
            }
            content.whole += line.len() as u64;
        }
        content.torn = bytes.len() as u64 - content.whole;
        Ok(content)
    }

    /// The points, in their order.
    pub fn points(&self) -> Vec<Point> {
        self.lines.values().filter_map(|line| read_point(line)).collect()
    }

    /// The whole journal as it is once everything is finished.
    pub fn text(&self) -> String {
        let mut text = self.design.as_ref().map(design_line).unwrap_or_default();
        self.lines.values().for_each(|line| text.push_str(line));
        text
    }
}

/// A journal that points are added to.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    synced: Instant,
}

impl Journal {
    /// Goes on with a journal after what is whole of it, or begins one.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn open(folder: &Path, design: &Design, content: &Content) -> Result<Self, Failure> {
        let path = folder.join(POINTS);
        let opened = || -> io::Result<File> {
            let mut file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path)?;
            file.set_len(content.whole)?;
            file.seek(SeekFrom::End(0))?;
            if content.design.is_none() {
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(design_line(design).as_bytes())?;
                file.sync_all()?;
            }
            Ok(file)
        };
        let file = opened().map_err(|error| failure("write", &path, &error))?;
        Ok(Self {
            path,
            file,
            synced: Instant::now(),
        })
    }

    /// Adds a point.
    ///
    /// # Errors
    /// Why it could not be written, in words.
    pub fn add(&mut self, point: &Point) -> Result<(), String> {
        let mut written = self.file.write_all(point_line(point).as_bytes());
        if written.is_ok() && self.synced.elapsed() >= SYNC_EVERY {
            written = self.file.sync_data();
            self.synced = Instant::now();
        }
        written.map_err(|error| format!("could not write {}: {error}", self.path.display()))
    }
}

/// Takes away what an earlier study left in a folder.
///
/// # Errors
/// Those of the file system.
pub fn clear(folder: &Path) -> Result<(), Failure> {
    for name in RESULTS.into_iter().chain([POINTS]) {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failure("remove", &path, &error)),
            _ => {}
        }
    }
    Ok(())
}

pub fn failure(doing: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::World {
        doing: format!("{doing} {}", path.display()),
        reason: error.to_string(),
    }
}
