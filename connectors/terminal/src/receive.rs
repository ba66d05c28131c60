//! The receiving half: lines as somebody types them, or as they stand in a file. In: lines. Out: messages for the sink.

mod command;
mod lines;
mod mode;

use std::io::{BufRead, IsTerminal, Write};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loquat_contract::{
    Address, BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Inbound, Ingress,
    Receipt, Refusal, Sender, Sink,
};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

use crate::deliver::Screen;
use crate::{Config, TerminalEgress, TerminalError};
use command::Line;
use lines::Lines;
use mode::Mode;

/// How long the reply to an accepted message is waited for after a stop.
const GRACE: Duration = Duration::from_secs(10);

/// The connector on this process's terminal, or on its standard input and output where those are none.
///
/// # Errors
///
/// [`TerminalError`] where the line editor or its thread cannot start.
pub fn connect(config: Config, bot: BotCard) -> Result<(TerminalIngress, TerminalEgress), TerminalError> {
    let output = Box::new(anstream::AutoStream::auto(std::io::stdout()));
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        let mode = Mode::now();
        let lines = Lines::edited(&config)?;
        return Ok(halves(bot, lines, Screen::interactive(output), mode));
    }
    connect_with(bot, std::io::BufReader::new(std::io::stdin()), output)
}

/// The connector on any input and output, without prompt and line editor.
///
/// `output` gets ANSI colours; `anstream` strips them where they are not wanted.
///
/// # Errors
///
/// [`TerminalError::Thread`] where the thread that reads cannot start.
pub fn connect_with(
    bot: BotCard,
    input: impl BufRead + Send + 'static,
    output: Box<dyn Write + Send>,
) -> Result<(TerminalIngress, TerminalEgress), TerminalError> {
    let lines = Lines::plain(input)?;
    Ok(halves(bot, lines, Screen::plain(output), None))
}

fn halves(
    bot: BotCard,
    lines: Lines,
    screen: Screen,
    mode: Option<Mode>,
) -> (TerminalIngress, TerminalEgress) {
    let screen = Arc::new(screen);
    let conversation = ConversationId {
        bot: bot.name.clone(),
        platform: "terminal".to_owned(),
        channel: start(),
        thread: None,
    };
    let egress = TerminalEgress::new(screen.clone());
    let talk = Mutex::new(Talk { lines, greeted: false, said: 0, open: None });
    (TerminalIngress { bot, conversation, screen, mode, talk }, egress)
}

/// Each start is a conversation of its own.
fn start() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}", now.as_millis(), std::process::id())
}

/// How far the talk is. It outlives a run, so that the next one goes on with it.
struct Talk {
    lines: Lines,
    greeted: bool,
    /// How many messages there were.
    said: u64,
    /// The message that is not answered yet.
    open: Option<Open>,
}

struct Open {
    to: Address,
    /// A task of its own, because a run that is dropped would stop the sink half-way; `None` once the sink has it.
    accepting: Option<JoinHandle<Result<Receipt, Refusal>>>,
    answered: CancellationToken,
}

/// The receiving half of the terminal.
pub struct TerminalIngress {
    bot: BotCard,
    conversation: ConversationId,
    screen: Arc<Screen>,
    mode: Option<Mode>,
    /// Held by the run.
    talk: Mutex<Talk>,
}

impl Ingress for TerminalIngress {
    fn run<'a>(
        &'a self,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            let ended = self.listen(&mut *self.talk.lock().await, &sink, &stop).await;
            if let Some(mode) = &self.mode {
                // The editor may still be waiting for a line, with the terminal in raw mode.
                mode.restore();
            }
            ended
        })
    }
}

impl TerminalIngress {
    async fn listen(
        &self,
        talk: &mut Talk,
        sink: &Arc<dyn Sink>,
        stop: &CancellationToken,
    ) -> Result<(), ConnectorError> {
        if !std::mem::replace(&mut talk.greeted, true) {
            self.screen.greet(&self.bot);
        }
        let gone = self.screen.gone();
        loop {
            if self.wait(&mut talk.open, stop).await.is_break() {
                return Ok(());
            }
            let line = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = gone.cancelled() => return Ok(()),
                line = talk.lines.next() => line,
            };
            match line
                .map_err(|error| ConnectorError::Stop(format!("the input could not be read: {error}")))?
            {
                Line::End => return Ok(()),
                Line::Empty => {}
                Line::Help => self.screen.help(),
                Line::Unknown(command) => self.screen.unknown(&command),
                Line::Message(text) => {
                    talk.said += 1;
                    let (id, sender) = (talk.said.to_string(), Sender::new("terminal"));
                    let inbound = Inbound::message(self.conversation.clone(), id, sender, text);
                    // Before the sink has it, because the reply may come before the sink returns.
                    let to = inbound.address();
                    let (answered, sink) = (self.screen.expect(&to), sink.clone());
                    let accepting = tokio::spawn(async move { sink.accept(inbound).await });
                    talk.open = Some(Open { to, accepting: Some(accepting), answered });
                }
            }
        }
    }

    /// Waits until the open message is accepted and answered, where there is one.
    async fn wait(&self, open: &mut Option<Open>, stop: &CancellationToken) -> ControlFlow<()> {
        let Some(Open { to, accepting, answered }) = open else { return Continue(()) };
        if let Some(task) = accepting {
            let accepted = task.await;
            *accepting = None;
            match accepted {
                Ok(Ok(Receipt::Accepted)) => {}
                Ok(Ok(Receipt::Answered(text))) => self.screen.tell(to, &text),
                // No two messages have one id; whatever came before it has been shown.
                Ok(Ok(Receipt::Duplicate | Receipt::Ignored)) => self.screen.forget(to),
                Ok(Err(refusal)) => {
                    self.screen.refuse(to, &refusal);
                    if matches!(refusal, Refusal::Stopping) {
                        return Break(());
                    }
                }
                // The sink panicked, and the host has heard of it.
                Err(_) => return Break(()),
            }
            self.screen.wait();
        }
        let gone = self.screen.gone();
        let grace = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            () = answered.cancelled() => {}
            () = gone.cancelled() => return Break(()),
            () = grace => return Break(()),
        }
        *open = None;
        Continue(())
    }
}
