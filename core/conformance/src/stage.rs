//! A platform, a journal, and a bot between them that can be started, stopped and killed. In: what people do. Out: what is on record of it.

use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use loquat_contract::{Entry, Query};
use loquat_journal::Ledger;
use tempfile::TempDir;

use crate::audit::Said;
use crate::bot::{Orders, Told, VARIABLE};
use crate::platform::{Act, Deed, Fixture, Heard, Platform};

/// How long anything is waited for before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);

/// A platform with a bot.
pub(crate) struct Stage<F: Fixture> {
    pub(crate) platform: F::Platform,
    folder: TempDir,
    test: String,
    bot: Mutex<Option<Child>>,
    numbers: AtomicUsize,
    /// Bots that died by themselves and were replaced.
    deaths: AtomicUsize,
    /// Everything that was said on it.
    pub(crate) said: Mutex<Vec<Said>>,
}

impl<F: Fixture> Drop for Stage<F> {
    fn drop(&mut self) {
        let _ended = self.kill();
    }
}

impl<F: Fixture> Stage<F> {
    pub(crate) async fn new(test: &str) -> anyhow::Result<Self> {
        Ok(Self {
            platform: F::Platform::start().await?,
            folder: TempDir::with_prefix("loquat-conformance-")?,
            test: test.to_owned(),
            bot: Mutex::default(),
            numbers: AtomicUsize::new(1),
            deaths: AtomicUsize::new(0),
            said: Mutex::default(),
        })
    }

    fn bot(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.bot.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts the bot; does not wait for it.
    pub(crate) fn launch(&self, orders: Orders) -> anyhow::Result<()> {
        let orders = Orders { address: self.platform.address(), folder: self.folder.path().into(), ..orders };
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--exact", &self.test, "--nocapture", "--test-threads=1"]);
        command.env(VARIABLE, serde_json::to_string(&orders)?);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let before = self.bot().replace(command.spawn()?);
        if let Some(mut dead) = before {
            dead.wait()?;
            self.deaths.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }

    /// Starts the bot and waits until it can be talked to.
    pub(crate) async fn start(&self, orders: Orders) -> anyhow::Result<()> {
        self.launch(orders)?;
        tokio::time::timeout(PATIENCE, self.platform.ready()).await.context("the bot does not connect")??;
        let begun = Instant::now();
        while self.told().is_err() {
            ensure!(begun.elapsed() < PATIENCE, "the bot does not tell what its platform can do");
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Whether the bot is at work.
    pub(crate) fn is_alive(&self) -> bool {
        self.bot().as_mut().is_some_and(|bot| matches!(bot.try_wait(), Ok(None)))
    }

    /// How many bots died by themselves, the present one included.
    pub(crate) fn deaths(&self) -> usize {
        let died_now = self.bot().as_mut().is_some_and(|bot| !matches!(bot.try_wait(), Ok(None)));
        self.deaths.load(Ordering::SeqCst) + usize::from(died_now)
    }

    /// Kills the bot (SIGKILL).
    pub(crate) fn kill(&self) -> anyhow::Result<()> {
        let Some(mut bot) = self.bot().take() else { return Ok(()) };
        bot.kill()?;
        bot.wait()?;
        Ok(())
    }

    /// Stops the bot in good order, and says whether it ended well.
    pub(crate) async fn stop(&self) -> anyhow::Result<bool> {
        let Some(mut bot) = self.bot().take() else { return Ok(true) };
        drop(bot.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = bot.try_wait()? {
                return Ok(status.success());
            }
            tokio::time::sleep(LOOK).await;
        }
        bot.kill()?;
        bail!("the bot does not stop within {} s", PATIENCE.as_secs())
    }

    pub(crate) fn told(&self) -> anyhow::Result<Told> {
        Told::read(self.folder.path())
    }

    /// What the journal says.
    pub(crate) fn ledger(&self) -> anyhow::Result<Vec<Entry>> {
        Ok(Ledger::open(&self.folder.path().join("journal"))?.entries(&Query::default())?)
    }

    /// What the journal says of a text.
    pub(crate) fn entry(&self, token: &str) -> anyhow::Result<Option<Entry>> {
        let has = |entry: &Entry| entry.inbound.text().is_some_and(|text| text.contains(token));
        Ok(self.ledger()?.into_iter().find(has))
    }

    /// A word that stands in nothing else that is said.
    pub(crate) fn token(&self) -> String {
        format!("t{:05}x", self.numbers.fetch_add(1, Ordering::Relaxed))
    }

    /// Somebody says something, once; it is not on record unless `keep` says so.
    pub(crate) async fn act(&self, channel: &str, id: &str, deed: Deed) -> Heard {
        let act = Act { channel: channel.to_owned(), id: id.to_owned(), sender: format!("p{channel}"), deed };
        self.platform.act(&act).await
    }

    fn note(&self, said: Said) {
        self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(said);
    }

    /// Somebody says something until the bot has it, as platforms do that deliver again; a bot that died meanwhile is started
    /// again. Gives the word by which it is known.
    pub(crate) async fn say(&self, channel: &str, text: &str) -> anyhow::Result<Said> {
        let token = self.token();
        let text = if text.is_empty() { token.clone() } else { format!("{text} {token}") };
        let said = Said { channel: channel.to_owned(), token, id: String::new(), is_acknowledged: false };
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            ensure!(begun.elapsed() < PATIENCE, "{text:?} does not get through");
            if !self.is_alive() {
                self.start(Orders::default()).await?;
            }
            // A platform that makes its ids itself says it anew.
            let id = if self.platform.keeps_ids() {
                said.token.clone()
            } else {
                format!("{}n{attempt}", said.token)
            };
            attempt += 1;
            let heard = self.act(channel, &id, Deed::Say(text.clone())).await;
            let is_acknowledged = heard == Heard::Acknowledged;
            let has = match heard {
                Heard::Acknowledged => true,
                Heard::NotAcknowledged => false,
                Heard::Unknowable => self.arrives(&said.token).await?,
            };
            if has {
                let said = Said { id, is_acknowledged, ..said };
                self.note(said.clone());
                return Ok(said);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Says it once, whatever comes of it, and notes it: what the bot acknowledged must not be lost.
    pub(crate) async fn say_once(&self, channel: &str, said: &Said) -> Heard {
        self.act(channel, &said.id, Deed::Say(said.token.clone())).await
    }

    pub(crate) fn noted(&self, said: Said, is_acknowledged: bool) {
        self.note(Said { is_acknowledged, ..said });
    }

    /// Whether a text gets into the journal while this bot lives.
    async fn arrives(&self, token: &str) -> anyhow::Result<bool> {
        let begun = Instant::now();
        loop {
            // Asked first: what a dead bot left is all there will be.
            let is_alive = self.is_alive();
            if self.entry(token)?.is_some() {
                return Ok(true);
            }
            if !is_alive || begun.elapsed() > Duration::from_secs(5) {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until nothing is owed any more.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            if !self.is_alive() {
                self.start(Orders::default()).await?;
            }
            let owed: Vec<Entry> =
                self.ledger()?.into_iter().filter(|entry| entry.settled.is_none()).collect();
            if owed.is_empty() {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                bail!(
                    "{} messages stay owed, the first: {:?}",
                    owed.len(),
                    owed.first().map(|entry| (entry.state(), &entry.inbound))
                );
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}
