//! A program that ends with whoever started it.
//!
//! Owns: starting, stopping by id, and the guardian. Never: what the program is.
//!
//! A small shell in a process group of its own holds the reading end of a pipe. While its starter lives the pipe is open; when
//! it ends, by Ctrl-C, by a signal or by a mistake, the shell reads the end of the file and ends the program by its id. A
//! program that was stopped in good order is taken off the guardian's hands with a word before its id can be used again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// Waits for a word or for the end of its starter; then ends the program, first in good order.
const GUARDIAN: &str = r#"
read -r word
[ "$word" = done ] && exit 0
kill -TERM "$1" 2>/dev/null || exit 0
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  sleep 1
  kill -0 "$1" 2>/dev/null || exit 0
done
kill -KILL "$1" 2>/dev/null
"#;

/// How long a program may take to end in good order.
const PATIENCE: Duration = Duration::from_secs(40);

/// A program under guard.
pub struct Guarded {
    program: Child,
    guardian: Child,
    word: Option<ChildStdin>,
    words: Option<Receiver<String>>,
    ended: bool,
}

impl Guarded {
    /// Starts a program; its standard error is shown, and kept line by line for [`Self::words`].
    ///
    /// # Errors
    /// In words, when it or its guardian cannot be started.
    pub fn start(mut command: Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut program = own_group(&mut command)
            .spawn()
            .map_err(|error| format!("{name} could not be started: {error}"))?;
        let mut guardian = Command::new("sh");
        guardian
            .args(["-c", GUARDIAN, "guardian", &program.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut guardian = match own_group(&mut guardian).spawn() {
            Ok(guardian) => guardian,
            Err(error) => {
                let _ = program.kill();
                let _ = program.wait();
                return Err(format!("a shell could not be started: {error}"));
            }
        };
        let word = guardian.stdin.take();
        let words = program.stderr.take().map(|errors| {
            let (says, said) = mpsc::channel();
            thread::spawn(move || {
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    eprintln!("   {line}");
                    // Nobody may care any more.
                    let _ = says.send(line);
                }
            });
            said
        });
        Ok(Self {
            program,
            guardian,
            word,
            words,
            ended: false,
        })
    }

    /// Its standard output, once.
    pub fn output(&mut self) -> Option<ChildStdout> {
        self.program.stdout.take()
    }

    /// The lines of its standard error, once.
    pub fn words(&mut self) -> Receiver<String> {
        self.words.take().unwrap_or_else(|| mpsc::channel().1)
    }

    /// Stops it in good order, by its id, and waits until it has.
    ///
    /// # Errors
    /// In words, when it had ended before or had to be killed.
    pub fn stop(mut self) -> Result<(), String> {
        if let Ok(Some(status)) = self.program.try_wait() {
            self.release();
            return Err(format!("the server ended by itself ({status})"));
        }
        let result = self.end();
        self.release();
        result
    }

    fn end(&mut self) -> Result<(), String> {
        let id = self.program.id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        if !told.is_ok_and(|status| status.success()) {
            return self.kill("the server could not be told to stop");
        }
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            match self.program.try_wait() {
                Ok(Some(_)) => return Ok(()),
                Ok(None) => thread::sleep(Duration::from_millis(50)),
                Err(error) => return Err(error.to_string()),
            }
        }
        self.kill("the server did not stop and was killed")
    }

    fn kill(&mut self, why: &str) -> Result<(), String> {
        let _ = self.program.kill();
        let _ = self.program.wait();
        Err(why.to_owned())
    }

    /// Takes it off the guardian's hands.
    fn release(&mut self) {
        self.ended = true;
        if let Some(mut word) = self.word.take() {
            let _ = word.write_all(b"done\n");
        }
        let _ = self.guardian.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.end();
            self.release();
        }
    }
}

/// In a process group of its own, so that Ctrl-C reaches its starter alone and the guardian ends it in good order.
#[cfg(unix)]
fn own_group(command: &mut Command) -> &mut Command {
    use std::os::unix::process::CommandExt;
    command.process_group(0)
}

/// Where there are no process groups Ctrl-C reaches all.
#[cfg(not(unix))]
fn own_group(command: &mut Command) -> &mut Command {
    command
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn is_alive(id: u32) -> bool {
        let id = id.to_string();
        let asked = Command::new("kill").args(["-0", &id]).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    }

    fn sleeper() -> Guarded {
        let mut command = Command::new("sleep");
        command.arg("600").stdin(Stdio::null());
        Guarded::start(command).expect("it starts")
    }

    // Lost if broken: servers and databases that go on after the test, one more each time.
    #[test]
    fn a_program_ends_when_it_is_told_and_when_its_starter_forgets_it() {
        let told = sleeper();
        let id = told.program.id();
        assert!(is_alive(id));
        told.stop().expect("it stops");
        assert!(!is_alive(id));
        let forgotten = sleeper();
        let id = forgotten.program.id();
        drop(forgotten);
        assert!(!is_alive(id));
    }

    // Lost if broken: what Ctrl-C leaves behind. The pipe closes as it does when the starter dies.
    #[test]
    fn the_guardian_ends_what_its_starter_can_no_longer_end() {
        let mut left = sleeper();
        drop(left.word.take());
        // Waiting takes it off the table of processes, as the system does for those whose starter has died.
        let ended = left.program.wait().expect("it ends");
        assert!(!ended.success());
        let status = left.guardian.wait().expect("the guardian ends");
        assert!(status.success());
        left.ended = true;
    }
}
