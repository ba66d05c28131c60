//! Lines, one when asked for one. In: an editor or a reader, both of which block. Out: lines that can be awaited.
//!
//! The reading has a thread of its own, which the runtime does not wait for when it ends: nobody can call back a thread
//! that waits for somebody to type.

use std::io::{self, BufRead};
use std::path::PathBuf;

use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, config};
use tokio::sync::mpsc;

use super::command::Line;
use crate::{Config, TerminalError};

/// What stands before what is typed.
const PROMPT: &str = "› ";

/// Asks for lines, and gets them.
pub(super) struct Lines {
    ask: mpsc::Sender<()>,
    lines: mpsc::Receiver<io::Result<Line>>,
    /// Whether a line that was asked for is still to come.
    asked: bool,
}

impl Lines {
    /// Lines that a person edits at a prompt.
    pub(super) fn edited(config: &Config) -> Result<Self, TerminalError> {
        let settings =
            config::Config::builder().max_history_size(config.history_lines)?.auto_add_history(true);
        let mut editor = DefaultEditor::with_config(settings.build())?;
        let history = config.history_file.clone();
        if let Some(path) = &history {
            load(&mut editor, path);
        }
        Self::read(move || match editor.readline(PROMPT) {
            Ok(line) => {
                keep(&mut editor, history.as_ref());
                Ok(Line::from(line.as_str()))
            }
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(Line::End),
            Err(ReadlineError::Io(error)) => Err(error),
            Err(error) => Err(io::Error::other(error)),
        })
    }

    /// Lines as they come.
    pub(super) fn plain(mut input: impl BufRead + Send + 'static) -> Result<Self, TerminalError> {
        Self::read(move || {
            let mut line = Vec::new();
            match input.read_until(b'\n', &mut line)? {
                0 => Ok(Line::End),
                // A byte that is not UTF-8 spoils its character, not the whole conversation.
                _ => Ok(Line::from(String::from_utf8_lossy(&line).as_ref())),
            }
        })
    }

    fn read(mut next: impl FnMut() -> io::Result<Line> + Send + 'static) -> Result<Self, TerminalError> {
        let (ask, mut asked) = mpsc::channel(1);
        let (give, lines) = mpsc::channel(1);
        let work = move || {
            while asked.blocking_recv().is_some() {
                if give.blocking_send(next()).is_err() {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("terminal".to_owned()).spawn(work).map_err(TerminalError::Thread)?;
        Ok(Self { ask, lines, asked: false })
    }

    /// The next line. Where it is not waited for to the end, the next call gets it.
    pub(super) async fn next(&mut self) -> io::Result<Line> {
        if !self.asked && self.ask.send(()).await.is_err() {
            return Ok(Line::End);
        }
        self.asked = true;
        let line = self.lines.recv().await;
        self.asked = false;
        line.unwrap_or(Ok(Line::End))
    }
}

/// A history that cannot be read or kept is no reason not to talk.
fn load(editor: &mut DefaultEditor, path: &PathBuf) {
    if let Some(folder) = path.parent() {
        // Where this fails, so does the saving, which says so.
        let _ = std::fs::create_dir_all(folder);
    }
    match editor.load_history(path) {
        Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(path = %path.display(), %error, "the history could not be read"),
        Ok(()) => {}
    }
}

fn keep(editor: &mut DefaultEditor, path: Option<&PathBuf>) {
    let Some(path) = path else { return };
    if let Err(error) = editor.append_history(path) {
        tracing::warn!(path = %path.display(), %error, "the history could not be kept");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::{Line, Lines};

    #[tokio::test]
    async fn a_line_that_nobody_waited_for_is_kept_and_not_asked_for_twice() {
        let (typed, typing) = std::sync::mpsc::channel::<&str>();
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = reads.clone();
        let mut lines = Lines::read(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(Line::from(typing.recv().unwrap_or("/quit")))
        })
        .unwrap();
        for _ in 0..3 {
            tokio::time::timeout(Duration::from_millis(20), lines.next()).await.unwrap_err();
        }
        typed.send("one").unwrap();
        assert_eq!(lines.next().await.unwrap(), Line::Message("one".into()));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert_eq!(reads.load(Ordering::SeqCst), 1);
    }
}
