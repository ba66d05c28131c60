//! Runs a client program and watches its download grow. In: a command. Out: success, or its exit status with the last
//! lines of standard error, redacted. It must not know which program it is.

use std::{
    collections::VecDeque,
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use crate::redact;

const POLL: Duration = Duration::from_millis(100);
const KEPT_LINES: usize = 12;

/// How a program ended, and what it said last.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) said: String,
}

/// Runs `command` to its end. `grown` hears the bytes that lie in `watched`, about ten times a second.
pub(crate) fn run(command: &mut Command, watched: &Path, grown: &mut dyn FnMut(u64)) -> io::Result<Ended> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let errors = child.stderr.take();
    let listener = thread::spawn(move || errors.map(last_lines).unwrap_or_default());
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => {}
            Err(error) => {
                // The child must not outlive the report that it is lost.
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        }
        grown(size_of(watched));
        thread::sleep(POLL);
    };
    let said = listener.join().unwrap_or_default();
    Ok(Ended { status, said: redact::urls(&said) })
}

fn last_lines(stream: impl io::Read) -> String {
    let mut kept = VecDeque::with_capacity(KEPT_LINES);
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while matches!(stream.read_until(b'\n', &mut line), Ok(read) if read > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if text.is_empty() {
            continue;
        }
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(format!("    {text}"));
    }
    Vec::from(kept).join("\n")
}

/// Bytes of all files below `folder`; what vanishes meanwhile counts as nothing.
fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size_of(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .sum()
}
