//! The bot's process. In: orders in an environment variable. Out: a bot on the real journal and dispatch, until it is killed or its
//! standard input ends.

use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use loquat_contract::{
    CancellationToken, Capabilities, Egress, Idempotency, Journal, JournalError, Length, LengthUnit,
};
use loquat_dispatch::access::Access;
use loquat_dispatch::{Bot, Dispatch, Settings};
use loquat_journal::EmbeddedJournal;
use serde::{Deserialize, Serialize};

use crate::breaking::{Breaking, Crash};
use crate::platform::Fixture;
use crate::script::{CHOICES, Script};

/// Where the orders are.
pub(crate) const VARIABLE: &str = "LOQUAT_CONFORMANCE_BOT";
/// The bot's name in conversation ids.
pub(crate) const NAME: &str = "conformance";
/// Where the bot tells what its platform can do.
const TOLD: &str = "capabilities.json";
/// How long the process before may take to let go of the journal or of a port.
const HANDOVER: Duration = Duration::from_secs(10);

/// What the bot is to do.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Orders {
    pub(crate) address: String,
    pub(crate) folder: PathBuf,
    pub(crate) crash: Option<Crash>,
    pub(crate) clock_shift_ms: i64,
    /// The longest message that it takes, in characters.
    pub(crate) max_message_chars: Option<usize>,
}

impl Orders {
    /// The orders of this process, where it is a bot.
    pub(crate) fn given() -> Option<Self> {
        serde_json::from_str(&std::env::var(VARIABLE).ok()?).ok()
    }
}

/// What the kit needs to know of a platform.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Told {
    pub(crate) limit: Option<(usize, u8)>,
    pub(crate) has_key: bool,
    pub(crate) outlives_process: bool,
    pub(crate) has_buttons: bool,
    pub(crate) has_drafts: bool,
    pub(crate) has_backfill: bool,
}

impl Told {
    fn of(capabilities: &Capabilities) -> Self {
        let unit = |unit| match unit {
            LengthUnit::Characters => 0,
            LengthUnit::Utf16 => 1,
            LengthUnit::Bytes => 2,
        };
        Self {
            limit: capabilities.max_length.map(|length| (length.limit, unit(length.unit))),
            has_key: capabilities.idempotency != Idempotency::None,
            outlives_process: capabilities.outlives_process,
            has_buttons: capabilities.buttons >= CHOICES.len(),
            has_drafts: capabilities.drafts,
            has_backfill: capabilities.backfill,
        }
    }

    /// What a bot told that ran in `folder`.
    pub(crate) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(TOLD);
        let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    pub(crate) fn length(&self) -> Option<Length> {
        let (limit, unit) = self.limit?;
        let units = [LengthUnit::Characters, LengthUnit::Utf16, LengthUnit::Bytes];
        Some(Length { limit, unit: units.get(usize::from(unit)).copied().unwrap_or(LengthUnit::Bytes) })
    }
}

/// Tries again for a while: the process that was killed may still be going.
fn handed_over<T, E>(
    mut attempt: impl FnMut() -> Result<T, E>,
    is_busy: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(error) if is_busy(&error) && begun.elapsed() < HANDOVER => {
                std::thread::sleep(Duration::from_millis(10));
            }
            outcome => return outcome,
        }
    }
}

/// Is the bot.
pub(crate) fn run<F: Fixture>(orders: &Orders) -> anyhow::Result<()> {
    loquat_contract::testing::shift_clock(orders.clock_shift_ms);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(live::<F>(orders))
}

async fn live<F: Fixture>(orders: &Orders) -> anyhow::Result<()> {
    let journal = handed_over(
        || EmbeddedJournal::open(&orders.folder.join("journal")),
        |error| matches!(error, JournalError::Unusable(_)),
    )?;
    let connector = handed_over(|| F::connect(&orders.address, NAME), |_| true)?;
    let capabilities = connector.egress.capabilities();
    let told = serde_json::to_vec(&Told::of(&capabilities))?;
    std::fs::write(orders.folder.join("told.tmp"), told)?;
    std::fs::rename(orders.folder.join("told.tmp"), orders.folder.join(TOLD))?;

    let stop = CancellationToken::new();
    stop_with_input(stop.clone())?;
    let settings =
        Settings { delivery_timeout_s: 3, longest_pause_s: 1, stop_within_s: 5, ..Settings::default() };
    let access = Access { messages_per_minute: 0, conversation_messages_per_minute: 0, ..Access::default() };
    let max_message_chars = orders.max_message_chars.unwrap_or(100_000);
    let bot = Bot { max_message_chars, settings, access, ..Bot::default() };
    let (crash, folder) = (orders.crash, &orders.folder);
    let journal: Arc<dyn Journal> = Arc::new(Breaking::<dyn Journal>::new(crash, folder, Arc::new(journal)));
    let egress: Arc<dyn Egress> = Arc::new(Breaking::<dyn Egress>::new(crash, folder, connector.egress));
    let script = Script::new(capabilities.max_length);
    let egresses = HashMap::from([(F::PLATFORM.to_owned(), egress)]);
    let dispatch = Dispatch::new(bot, Arc::new(script), journal, egresses, stop.clone());
    dispatch.resume().await?;
    let ended = dispatch.run(F::PLATFORM, connector.ingress).await;
    stop.cancel();
    dispatch.drain().await;
    Ok(ended?)
}

/// Stops the bot in good order once nobody holds its standard input any more: when it is told to, and when the kit is gone.
fn stop_with_input(stop: CancellationToken) -> anyhow::Result<()> {
    let wait = move || {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        stop.cancel();
    };
    std::thread::Builder::new().name("input".to_owned()).spawn(wait)?;
    Ok(())
}
