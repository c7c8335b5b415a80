//! The server as a process: what it says, how it stops, with which exit code.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// How long anything may take that has to happen.
const PATIENCE: Duration = Duration::from_secs(60);

const SYSTEM: &str = r#"
duration = "1h"
load = { rate = 0.0 }
[flow.all]
steps = [ { request = "short" } ]
[system.service.web]
[system.endpoint.short]
steps = [ { io = "1500ms" } ]
[system.endpoint.long]
steps = [ { io = "1h" } ]
"#;

struct Server {
    child: Child,
    port: u16,
    // Closed, the server could no longer say anything.
    _stdout: BufReader<std::process::ChildStdout>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It has ended already where all is well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn server(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_highwater-server"));
    command
        .args(arguments)
        .env("HIGHWATER_ADMIN_SECRET", "administrators-secret");
    command
}

fn start(folder: &tempfile::TempDir, more: &[&str]) -> Server {
    let file = folder.path().join("server.toml");
    std::fs::write(&file, SYSTEM).expect("written");
    let file = file.to_str().expect("text");
    let arguments = [&[file, "--port", "0", "--guests", "--format", "json"][..], more].concat();
    let mut child = server(&arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let said: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
        let mut words = String::new();
        let _ = child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut words));
        panic!("{error}: {line:?}\n{words}")
    });
    let port = said["port"]
        .as_u64()
        .and_then(|port| u16::try_from(port).ok())
        .expect("a port");
    Server {
        child,
        port,
        _stdout: stdout,
    }
}

impl Server {
    fn send(&self, method: &str, path: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer \
             administrators-secret\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("sent");
        stream
    }

    fn post(&self, endpoint: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let head =
            format!("POST /api/trpc/{endpoint} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(head.as_bytes()).expect("sent");
        stream
    }

    /// Waits until so many requests are in hand.
    fn until_in_hand(&self, count: u64) {
        loop {
            let text = read(self.send("GET", "/admin/state"));
            let body = text.split_once("\r\n\r\n").expect("a body").1;
            let state: Value = serde_json::from_str(body).expect("JSON");
            if state["in_hand"] == count {
                return;
            }
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Its exit code and what it said.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().expect("piped");
        stderr.read_to_string(&mut words).expect("text");
        (self.child.wait().expect("it ends").code(), words)
    }
}

fn read(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    text
}

// Lost if broken: a deploy that cuts off whoever is being answered.
#[test]
fn a_request_in_hand_is_answered_before_sigterm_ends_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = start(&folder, &[]);
    let in_hand = server.post("short");
    server.until_in_hand(1);
    server.signal("-TERM");
    let text = read(in_hand);
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let port = server.port;
    let (code, words) = server.ended();
    assert_eq!(code, Some(0), "{words}");
    assert!(
        words.contains("stopping: nothing new is taken, 1 in hand") && words.contains("stopped"),
        "{words}"
    );
    assert!(words.contains("Emulated are the instances"), "{words}");
    assert!(
        TcpStream::connect(("127.0.0.1", port)).is_err(),
        "nobody listens any more"
    );
}

// Lost if broken: a server that cannot be stopped while a request hangs.
#[test]
fn a_deadline_or_a_second_signal_ends_it_whatever_is_in_hand() {
    let folder = tempfile::tempdir().expect("a folder");
    let server_twice = start(&folder, &["--drain", "1h"]);
    let _hangs = server_twice.post("long");
    server_twice.until_in_hand(1);
    server_twice.signal("-INT");
    // It has taken notice once nobody listens.
    while TcpStream::connect(("127.0.0.1", server_twice.port)).is_ok() {}
    server_twice.signal("-INT");
    assert_eq!(server_twice.ended().0, Some(0));

    let server_once = start(&folder, &["--drain", "100ms"]);
    let _hangs = server_once.post("long");
    server_once.until_in_hand(1);
    server_once.signal("-TERM");
    assert_eq!(server_once.ended().0, Some(0));
}

// Lost if broken: mistakes that look like a server that is down, and an open door to the network by accident.
#[test]
fn mistakes_have_exit_codes_and_help() {
    let check = |arguments: &[&str], code: i32, said: &str| {
        let Output { status, stdout, stderr } = server(arguments).output().expect("it starts");
        let words = String::from_utf8_lossy(&stderr);
        assert_eq!(status.code(), Some(code), "{arguments:?}: {words}");
        assert!(words.contains(said) && stdout.is_empty(), "{arguments:?}: {words}");
    };
    check(&["coachin"], 2, "did you mean `coaching`?");
    check(&["coaching", "--set", "web.plna=pro"], 2, "did you mean `plan`?");
    check(&["coaching", "--host", "0.0.0.0"], 2, "--allow-remote");
    check(&["coaching", "--store", "paper"], 2, "`embedded`");
    check(&["coaching", "--time-scale", "0"], 2, "between 0.001 and 1000");
    check(&["coaching", "--for", "soon"], 2, "length of time");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    check(&["coaching", "--port", &port], 3, "could not listen");
    // A file of the user's, with a system alone; and it stops by itself.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(
        folder.path().join("mine.toml"),
        "[endpoint.job]\nsteps = [ { io = \"1s\" } ]\n",
    )
    .expect("written");
    let output = server(&["mine.toml", "--port", "0", "--for", "1ms"])
        .current_dir(&folder)
        .output()
        .expect("it starts");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
