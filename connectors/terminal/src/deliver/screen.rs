//! One screen that both halves write on, and that knows which answer is waited for. In: what is said. Out: text on any
//! [`Write`].

use std::collections::HashMap;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use loquat_contract::{Address, BotCard, CancellationToken, Refusal, Reply, Sentence};
use owo_colors::OwoColorize;

use crate::encode::{self, Draft, clean};

/// Goes to the start of the line and clears it (ECMA-48: CR, EL).
const CLEAR_LINE: &str = "\r\x1b[K";

const HELP: &str = "Type a question and press Enter. Numbers like [1] name the facts listed below an answer.\n  \
                    /help   shows this\n  /why    shows what the last answer rests on; /why 2 the one before it, /why #12 the one of that number\n  /reset  forgets what was talked about; /language zh answers in Chinese, /feedback takes what you think of an answer\n  /quit   ends the chat, as do Ctrl-C and Ctrl-D\n";

/// What is written on.
pub(crate) struct Screen {
    inner: Mutex<Inner>,
    interactive: bool,
    gone: CancellationToken,
}

struct Inner {
    output: Box<dyn Write + Send>,
    drafts: HashMap<Address, Draft>,
    /// Cancelled once the message is answered.
    expected: HashMap<Address, CancellationToken>,
    /// Whether a line that says "wait" has to be cleared first.
    waiting: bool,
}

impl Inner {
    fn print(&mut self, text: &str) -> io::Result<()> {
        if std::mem::take(&mut self.waiting) {
            self.output.write_all(CLEAR_LINE.as_bytes())?;
        }
        self.output.write_all(text.as_bytes())?;
        self.output.flush()
    }
}

impl Screen {
    /// A screen with a person before it.
    pub(crate) fn interactive(output: Box<dyn Write + Send>) -> Self {
        Self { interactive: true, ..Self::plain(output) }
    }

    /// A screen that may be a file.
    pub(crate) fn plain(output: Box<dyn Write + Send>) -> Self {
        let inner = Inner { output, drafts: HashMap::new(), expected: HashMap::new(), waiting: false };
        Self { inner: Mutex::new(inner), interactive: false, gone: CancellationToken::new() }
    }

    /// Cancelled once nothing can be written any more.
    pub(crate) fn gone(&self) -> CancellationToken {
        self.gone.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, text: &str) -> io::Result<()> {
        self.lock().print(text).inspect_err(|_| self.gone.cancel())
    }

    /// Writes something that nobody waits for; where that fails, `gone` tells.
    fn say(&self, text: &str) {
        let _ = self.write(text);
    }

    /// Introduces the bot to a person; a file needs no introduction.
    pub(crate) fn greet(&self, bot: &BotCard) {
        if !self.interactive {
            return;
        }
        let mut text = format!("{}\n", clean(&bot.name).bold());
        if !bot.greeting.is_empty() {
            text += &format!("{}\n", clean(&bot.greeting));
        }
        for suggestion in &bot.suggestions {
            text += &format!("  {}\n", clean(suggestion).dimmed());
        }
        self.say(&format!("{text}{}\n\n", "/help shows what can be typed here".dimmed()));
    }

    pub(crate) fn help(&self) {
        self.say(&format!("{HELP}\n"));
    }

    pub(crate) fn unknown(&self, command: &str) {
        self.say(&format!("{} is no command; /help shows those there are\n\n", clean(command)));
    }

    /// Notes that nothing is to come.
    pub(crate) fn forget(&self, to: &Address) {
        let expected = self.lock().expected.remove(to);
        finish(expected);
    }

    pub(crate) fn refuse(&self, to: &Address, refusal: &Refusal) {
        self.forget(to);
        self.say(&format!("{}\n\n", clean(&refusal.to_string()).yellow()));
    }

    /// What is cancelled once the message is answered.
    pub(crate) fn expect(&self, to: &Address) -> CancellationToken {
        self.lock().expected.entry(to.clone()).or_default().clone()
    }

    /// Shows a person that the bot is at work, unless it has begun to answer.
    pub(crate) fn wait(&self) {
        let mut inner = self.lock();
        if !self.interactive || !inner.drafts.is_empty() || inner.expected.is_empty() {
            return;
        }
        if inner.print(&"…".dimmed().to_string()).is_ok() {
            inner.waiting = true;
        }
    }

    /// Prints what is new of the sentences so far.
    pub(super) fn draft(&self, to: &Address, sentences: &[Sentence]) {
        let mut inner = self.lock();
        if !inner.expected.contains_key(to) {
            // An earlier run's question: its answer is shown whole, so that it does not mix with another.
            return;
        }
        let mut draft = inner.drafts.remove(to).unwrap_or_default();
        let printed = match draft.show(sentences) {
            "" => Ok(()),
            text => inner.print(text),
        };
        inner.drafts.insert(to.clone(), draft);
        drop(inner);
        if printed.is_err() {
            self.gone.cancel();
        }
    }

    /// Ends a draft that has no reply: what is printed cannot be taken back, so it is said.
    pub(super) fn withdraw(&self, to: &Address) {
        let mut inner = self.lock();
        let expected = inner.expected.remove(to);
        let begun = inner.drafts.remove(to).is_some_and(|draft| !draft.is_empty());
        drop(inner);
        // Without a text it still clears the line that says "wait".
        self.say(&if begun { format!(" {}\n\n", "(withdrawn)".dimmed()) } else { String::new() });
        finish(expected);
    }

    pub(super) fn reply(&self, to: &Address, reply: &Reply) -> io::Result<()> {
        let mut inner = self.lock();
        let expected = inner.expected.remove(to);
        let draft = inner.drafts.remove(to).unwrap_or_default();
        let answer = encode::sentences(reply);
        let mut text = match draft.rest(&answer) {
            Some(rest) => rest.to_owned(),
            None => format!("\n{answer}"),
        };
        if expected.is_none() {
            text.insert_str(0, &self.unasked());
        }
        text.push('\n');
        for below in [encode::choices(reply), encode::sources(reply)] {
            if !below.is_empty() {
                text += &format!("\n{below}");
            }
        }
        text.push('\n');
        let printed = inner.print(&text);
        drop(inner);
        finish(expected);
        printed.inspect_err(|_| self.gone.cancel())
    }

    /// Says something in place of a reply.
    pub(super) fn apologise(&self, to: &Address, reason: &str) -> io::Result<()> {
        self.instead(to, &clean(reason).yellow().to_string())
    }

    /// Says something that is no reply, such as what an answer rests on.
    pub(super) fn note(&self, to: &Address, text: &str) -> io::Result<()> {
        self.instead(to, &clean(text))
    }

    /// Shows what the host answered by itself.
    pub(crate) fn tell(&self, to: &Address, text: &str) {
        // Where that fails, `gone` tells.
        let _ = self.note(to, text);
    }

    fn instead(&self, to: &Address, text: &str) -> io::Result<()> {
        let mut inner = self.lock();
        let expected = inner.expected.remove(to);
        let begun = inner.drafts.remove(to).is_some();
        drop(inner);
        let before = if expected.is_none() { self.unasked() } else { String::new() };
        let before = if begun { format!("{before}\n") } else { before };
        let printed = self.write(&format!("{before}{text}\n\n"));
        finish(expected);
        printed
    }

    /// What stands before an answer that this run did not ask for.
    fn unasked(&self) -> String {
        let clear = if self.interactive { CLEAR_LINE } else { "" };
        format!("{clear}{}\n", "The answer to an earlier question:".dimmed())
    }
}

fn finish(expected: Option<CancellationToken>) {
    if let Some(answered) = expected {
        answered.cancel();
    }
}
