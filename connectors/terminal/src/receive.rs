//! The receiving half: lines as somebody types them, or as they stand in a file. In: lines. Out: messages for the sink.

mod command;
mod lines;
mod mode;

use std::io::{BufRead, IsTerminal, Write};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, ConnectorError, ConversationId, Inbound, Ingress, MessageId,
    Refusal, Sender, Sink,
};

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
    (TerminalIngress { bot, conversation, lines, screen, mode }, egress)
}

/// Each start is a conversation of its own.
fn start() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{}", now.as_millis(), std::process::id())
}

/// The receiving half of the terminal.
pub struct TerminalIngress {
    bot: BotCard,
    conversation: ConversationId,
    lines: Lines,
    screen: Arc<Screen>,
    mode: Option<Mode>,
}

impl Ingress for TerminalIngress {
    fn run(
        self: Box<Self>,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> BoxFuture<'static, Result<(), ConnectorError>> {
        Box::pin(self.talk(sink, stop))
    }
}

impl TerminalIngress {
    async fn talk(
        mut self: Box<Self>,
        sink: Arc<dyn Sink>,
        stop: CancellationToken,
    ) -> Result<(), ConnectorError> {
        self.screen.greet(&self.bot);
        let gone = self.screen.gone();
        for number in 1_u64.. {
            let line = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = gone.cancelled() => break,
                line = self.lines.next() => line,
            };
            match line
                .map_err(|error| ConnectorError::Stop(format!("the input could not be read: {error}")))?
            {
                Line::End => break,
                Line::Empty => {}
                Line::Help => self.screen.help(),
                Line::Unknown(command) => self.screen.unknown(&command),
                Line::Message(text) => {
                    if self.ask(number, text, sink.as_ref(), &stop).await.is_break() {
                        break;
                    }
                }
            }
        }
        if let Some(mode) = &self.mode {
            // The editor may still be waiting for a line, with the terminal in raw mode.
            mode.restore();
        }
        Ok(())
    }

    /// Hands one message over and waits until it is answered.
    async fn ask(
        &self,
        number: u64,
        text: String,
        sink: &dyn Sink,
        stop: &CancellationToken,
    ) -> ControlFlow<()> {
        let inbound = Inbound {
            id: MessageId(number.to_string()),
            conversation: self.conversation.clone(),
            sender: Sender { id: "terminal".to_owned(), name: None },
            text,
        };
        // Before the sink has it, because the reply may come before the sink returns.
        let address = inbound.address();
        let answered = self.screen.expect(&address);
        match sink.accept(inbound).await {
            Ok(()) => {}
            Err(refusal) => {
                self.screen.refuse(&address, &refusal);
                return if matches!(refusal, Refusal::Stopping) { Break(()) } else { Continue(()) };
            }
        }
        self.screen.wait();
        let gone = self.screen.gone();
        let grace = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        tokio::select! {
            () = answered.cancelled() => Continue(()),
            () = gone.cancelled() => Break(()),
            () = grace => Break(()),
        }
    }
}
