//! A server program of this machine that is started for this process and ends with it.
//!
//! Owns: its folder, the account that it runs under, its start and its end.
//! Never: what the program is, or when it is ready; whoever starts it asks it.
//!
//! Whatever becomes of this process, nothing is left: beside each program stands a guardian, a shell that waits for the end
//! of a pipe whose other end only this process holds. The pipe ends when the [`Daemon`] is dropped, and also when this
//! process is killed; the guardian then stops the program and removes the folder. Both stand in a process group of their
//! own, so that the terminal's interrupt reaches this process alone, which can still finish what it has in hand.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Starts the program in its folder, waits for word from the pipe, and ends it. `pid` has its number, `ended` its exit code
/// once it has ended. The word `crash` kills it and leaves the folder; the end of the pipe does everything.
const GUARDIAN: &str = r#"
trap '' INT TERM HUP
folder=$1 signal=$2
shift 2
cd "$folder" || exit 1
rm -f pid ended
{
    trap - INT TERM HUP
    sh -c 'echo $$ >pid; exec "$@"' sh "$@"
    echo $? >ended
} </dev/null >>log 2>&1 &
read -r word
until [ -s pid ] || [ -e ended ]; do :; done
if [ "$word" = crash ]; then signal=KILL; fi
[ -e ended ] || kill -"$signal" "$(cat pid)"
tries=0
until [ -e ended ] || [ $tries -ge 500 ]; do
    sleep .02
    tries=$((tries + 1))
done
[ -e ended ] || kill -KILL "$(cat pid)"
wait
if [ "$word" != crash ]; then cd / && rm -rf "$folder"; fi
"#;
/// Bytes of a program's log that an error shows: its last words.
const LAST_WORDS: usize = 800;

/// An account without rights over the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// The first of these names that the machine knows, where this process runs as root; none where it does not, and programs
    /// run as whoever runs this.
    ///
    /// # Errors
    /// When it cannot be found out, or the machine knows none of the names.
    pub fn unprivileged(names: &[&str]) -> io::Result<Option<Self>> {
        if fs::metadata("/proc/self")?.uid() != 0 {
            return Ok(None);
        }
        let known = fs::read_to_string("/etc/passwd")?;
        let found = names.iter().find_map(|name| Self::read(&known, name));
        let none = || io::Error::other(format!("no account of the names {} to run it under", names.join(", ")));
        found.map(Some).ok_or_else(none)
    }

    fn read(known: &str, name: &str) -> Option<Self> {
        let line = known.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Self {
            user: fields.next()?.parse().ok()?,
            group: fields.next()?.parse().ok()?,
        })
    }
}

/// A folder for one program, which nobody else can look into.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    account: Option<Account>,
}

impl Folder {
    /// Makes one among the system's temporary files. It goes with this value, if the guardian of a program that ran in it has
    /// not removed it before.
    ///
    /// # Errors
    /// When it cannot be made or given to the account.
    pub fn new(account: Option<Account>) -> io::Result<Self> {
        let made = tempfile::Builder::new().prefix("highwater-").tempdir()?;
        if let Some(account) = &account {
            chown(made.path(), Some(account.user), Some(account.group))?;
        }
        Ok(Self {
            path: made.keep(),
            account,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file that only the account can read.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.path.join(name);
        fs::write(&path, text)?;
        if let Some(account) = &self.account {
            chown(&path, Some(account.user), Some(account.group))?;
        }
        Ok(path)
    }

    /// Runs a program to its end in this folder, under the account.
    ///
    /// # Errors
    /// When it cannot be started or fails: what it said.
    pub fn run(&self, program: &Path, arguments: &[&OsStr]) -> io::Result<()> {
        let words = self.words(program, arguments);
        let mut command = Command::new(&words[0]);
        self.surround(command.args(&words[1..]));
        let output = command.stdin(Stdio::null()).output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let name = program.display();
        Err(io::Error::other(format!(
            "{name} failed ({}): {}",
            output.status,
            said.trim()
        )))
    }

    /// The last words of the program's log.
    #[must_use]
    pub fn last_words(&self) -> String {
        let mut log = Vec::new();
        let read = fs::File::open(self.path.join("log")).and_then(|mut file| file.read_to_end(&mut log));
        let log = read.map(|_| String::from_utf8_lossy(&log)).unwrap_or_default();
        let log = log.trim();
        let from = (log.len().saturating_sub(LAST_WORDS)..log.len()).find(|&at| log.is_char_boundary(at));
        log[from.unwrap_or(0)..].to_owned()
    }

    /// The command and its arguments, under the account.
    fn words(&self, program: &Path, arguments: &[&OsStr]) -> Vec<OsString> {
        let mut words = Vec::new();
        if let Some(Account { user, group }) = &self.account {
            words.extend(["setpriv".into(), format!("--reuid={user}").into()]);
            words.extend([format!("--regid={group}").into(), "--clear-groups".into()]);
        }
        words.push(program.into());
        words.extend(arguments.iter().map(|&argument| argument.to_owned()));
        words
    }

    /// What a program sees around it: this folder, and no settings for a database of somebody else.
    fn surround(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        command
            .current_dir(&self.path)
            .env("HOME", &self.path)
            .env("LC_ALL", "C");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed stays among the temporary files; there is nobody to tell.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A program that runs.
#[derive(Debug)]
pub struct Daemon {
    guardian: Child,
    folder: PathBuf,
}

impl Daemon {
    /// Starts a program in a folder; `signal` is the name of what ends it quickly, such as `QUIT`.
    ///
    /// # Errors
    /// When its guardian cannot be started. Whether the program runs, [`Daemon::has_ended`] says.
    pub fn start(folder: &Folder, program: &Path, arguments: &[&OsStr], signal: &str) -> io::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", GUARDIAN, "sh"]).arg(&folder.path).arg(signal);
        command.args(folder.words(program, arguments));
        folder.surround(&mut command);
        // A guardian of before may have left its word.
        let _ = fs::remove_file(folder.path.join("ended"));
        let guardian = command
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self {
            guardian,
            folder: folder.path.clone(),
        })
    }

    /// Whether the program has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.folder.join("ended").exists()
    }

    /// Kills the program without a chance to put anything in order, and leaves its folder: another can be started there.
    pub fn crash(mut self) {
        if let Some(pipe) = &mut self.guardian.stdin {
            // When the guardian is gone, so is the program.
            let _ = pipe.write_all(b"crash\n");
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// A port of the loopback address that was free a moment ago. Another process may take it before it is used: try again then.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A secret of 128 bits in hexadecimal digits.
///
/// # Errors
/// When the system gives no random bytes.
pub fn secret() -> io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use super::*;

    fn until(what: impl Fn() -> bool) {
        while !what() {
            std::thread::yield_now();
        }
    }

    fn is_alive(pid: &str) -> bool {
        Path::new("/proc").join(pid).exists()
    }

    fn sleeper() -> (Folder, Daemon, String) {
        let account = Account::unprivileged(&["nobody"]).expect("every machine has a nobody");
        let folder = Folder::new(account).expect("a folder");
        let daemon = Daemon::start(&folder, Path::new("sleep"), &[OsStr::new("600")], "TERM").expect("a guardian");
        let pid = folder.path().join("pid");
        until(|| fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n')));
        let pid = fs::read_to_string(&pid).expect("it was there").trim().to_owned();
        (folder, daemon, pid)
    }

    /// A test that panics, or a server that is told to stop, must leave no database behind.
    #[test]
    fn dropping_it_ends_the_program_and_removes_the_folder() {
        let (folder, daemon, pid) = sleeper();
        assert!(is_alive(&pid) && !daemon.has_ended());
        drop(daemon);
        assert!(!is_alive(&pid), "the program runs on");
        assert!(!folder.path().exists(), "the folder is still there");
    }

    /// Run by the test below in a process of its own, which is then killed.
    #[test]
    #[ignore = "a part of another test"]
    fn child_that_owns_a_program_until_it_is_killed() {
        if std::env::var_os("HIGHWATER_TEST_OWNER").is_none() {
            return;
        }
        let (folder, _daemon, pid) = sleeper();
        let line = format!("\nowns {pid} {}\n", folder.path().display());
        io::stdout().write_all(line.as_bytes()).expect("the test listens");
        loop {
            std::thread::park();
        }
    }

    /// A killed owner can do nothing any more: the end of its pipe has to be enough.
    #[test]
    fn killing_its_owner_ends_the_program_and_removes_the_folder() {
        let name = "daemon::tests::child_that_owns_a_program_until_it_is_killed";
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env("HIGHWATER_TEST_OWNER", "1")
            .stdout(Stdio::piped())
            .spawn()
            .expect("this test again");
        let mut lines = io::BufReader::new(child.stdout.take().expect("it was asked for")).lines();
        let line = lines.find_map(|line| Some(line.ok()?.strip_prefix("owns ")?.to_owned()));
        let line = line.expect("it says what it owns");
        let (pid, folder) = line.split_once(' ').expect("both");
        assert!(is_alive(pid) && Path::new(folder).exists());
        child.kill().expect("it runs");
        child.wait().expect("it is ours");
        until(|| !Path::new(folder).exists());
        assert!(!is_alive(pid), "the program runs on");
    }

    #[test]
    fn a_crash_leaves_the_folder_and_an_end_of_its_own_is_seen() {
        let (folder, daemon, pid) = sleeper();
        daemon.crash();
        assert!(!is_alive(&pid) && folder.path().exists());
        let daemon = Daemon::start(&folder, Path::new("echo"), &[OsStr::new("goodbye")], "TERM").expect("a guardian");
        until(|| daemon.has_ended());
        assert!(folder.last_words().ends_with("goodbye"), "{}", folder.last_words());
        drop(daemon);
        assert!(!folder.path().exists());
    }

    #[test]
    fn accounts_are_read_whole_lines_only() {
        let known = "daemon:x:1:1::/:\nposthumous:x:7:7::/:\npost:x:5:6:a post:/:/bin/sh\n";
        assert_eq!(Account::read(known, "post"), Some(Account { user: 5, group: 6 }));
        assert_eq!(Account::read(known, "postal"), None);
    }
}
