//! A platform, a journal, and a bot between them that can be started, stopped and killed. In: what people do. Out: what is on record of it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use loquat_contract::{Entry, Query};
use loquat_journal::Ledger;
use tempfile::TempDir;

use crate::audit::Said;
use crate::bot::{Orders, Told, VARIABLE};
use crate::breaking::{Crash, is_full, was_refused};
use crate::platform::{Act, Deed, Fault, Fixture, Heard, Platform};

/// How long anything is waited for before it counts as not happening.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// How long a message takes from the platform to the journal at most.
const ARRIVAL: Duration = Duration::from_secs(5);
/// How long it takes at most until a process that closed its connections is seen to be dead.
const DYING: Duration = Duration::from_millis(500);
/// How long after a refusal the platform may still be told that the event was received.
const AFTERTHOUGHT: Duration = Duration::from_millis(300);
/// How many messages may go missing on a stage before it is given up.
const TOO_MANY_MISSING: usize = 3;

/// A platform with a bot.
pub(crate) struct Stage<F: Fixture> {
    pub(crate) platform: F::Platform,
    folder: TempDir,
    test: String,
    bot: Mutex<Option<Child>>,
    numbers: AtomicUsize,
    /// How the next bots are to die, those that take the place of one that died by itself.
    fates: Mutex<VecDeque<Crash>>,
    /// Bots that died by themselves and were replaced.
    deaths: AtomicUsize,
    /// Whether the platform misbehaves, so that a message may have to be said again.
    misbehaves: AtomicBool,
    /// Whether a check has failed on it; what failed is not waited for again.
    pub(crate) has_failed: AtomicBool,
    /// Everything that was said on it.
    pub(crate) said: Mutex<Vec<Said>>,
    /// What the bot did not get though nothing was in its way.
    missing: Mutex<Vec<String>>,
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
            fates: Mutex::default(),
            deaths: AtomicUsize::new(0),
            misbehaves: AtomicBool::new(false),
            has_failed: AtomicBool::new(false),
            said: Mutex::default(),
            missing: Mutex::default(),
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

    /// Lays down how the next bots are to die, one after the other; the one at work goes in good order.
    pub(crate) async fn doom(&self, fates: impl IntoIterator<Item = Crash>) -> anyhow::Result<()> {
        self.stop().await?;
        self.fates().extend(fates);
        self.revive().await
    }

    fn fates(&self) -> std::sync::MutexGuard<'_, VecDeque<Crash>> {
        self.fates.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Starts the next bot where none is at work.
    async fn revive(&self) -> anyhow::Result<()> {
        if self.is_alive() {
            return Ok(());
        }
        let crash = self.fates().pop_front();
        self.start(Orders { crash, ..Orders::default() }).await
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

    /// Waits until the journal says something; `None` where it does not.
    pub(crate) async fn until<T>(&self, seen: impl Fn(&[Entry]) -> Option<T>) -> anyhow::Result<Option<T>> {
        let begun = Instant::now();
        loop {
            let found = seen(&self.ledger()?);
            if found.is_some() || begun.elapsed() > PATIENCE {
                return Ok(found);
            }
            tokio::time::sleep(LOOK).await;
        }
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

    /// Somebody does something, once.
    pub(crate) async fn act(&self, channel: &str, id: &str, deed: Deed) -> Heard {
        self.act_as(&format!("p{channel}"), channel, id, deed).await
    }

    async fn act_as(&self, sender: &str, channel: &str, id: &str, deed: Deed) -> Heard {
        let act = Act { channel: channel.to_owned(), id: id.to_owned(), sender: sender.to_owned(), deed };
        self.platform.act(&act).await
    }

    /// Makes the next delivery of the bot end badly; whether the platform can. Until [`calm`](Self::calm), messages may be lost on
    /// their way to the bot.
    pub(crate) fn arm(&self, fault: &Fault) -> bool {
        let can = self.platform.arm(fault);
        self.misbehaves.fetch_or(can, Ordering::SeqCst);
        can
    }

    pub(crate) fn calm(&self) {
        self.misbehaves.store(false, Ordering::SeqCst);
    }

    /// What the bot did not get since this was last asked, though nothing was in its way.
    pub(crate) fn missing(&self) -> Vec<String> {
        std::mem::take(&mut self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Puts down that something did not arrive without a reason.
    pub(crate) fn miss(&self, problem: String) -> anyhow::Result<()> {
        let mut missing = self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        missing.push(problem);
        ensure!(missing.len() < TOO_MANY_MISSING, "{}", missing.join("; "));
        Ok(())
    }

    /// How many messages of the bot's have this word in them.
    pub(crate) fn times(&self, channel: &str, token: &str) -> usize {
        self.platform.shown(channel).iter().filter(|shown| shown.text.contains(token)).count()
    }

    fn note(&self, said: Said) {
        self.said.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(said);
    }

    /// Somebody says something until the bot has it, as platforms do that deliver again; a bot that died meanwhile is started
    /// again. Where nothing was in its way, having to say it again is a fault, see [`missing`](Self::missing). Gives the word by
    /// which it is known.
    pub(crate) async fn say(&self, channel: &str, text: &str) -> anyhow::Result<Said> {
        self.say_as(&format!("p{channel}"), channel, text).await
    }

    /// The same by somebody else than usual.
    pub(crate) async fn say_as(&self, sender: &str, channel: &str, text: &str) -> anyhow::Result<Said> {
        let token = self.token();
        let text = if text.is_empty() { token.clone() } else { format!("{text} {token}") };
        let said = Said { channel: channel.to_owned(), token, id: String::new(), is_acknowledged: false };
        let begun = Instant::now();
        let mut attempt = 0;
        loop {
            ensure!(begun.elapsed() < PATIENCE, "{text:?} does not get through");
            self.revive().await?;
            // A platform that makes its ids itself says it anew.
            let id = if self.platform.keeps_ids() {
                said.token.clone()
            } else {
                format!("{}n{attempt}", said.token)
            };
            attempt += 1;
            let before = (self.deaths(), self.platform.broken_connections());
            let heard = self.act_as(sender, channel, &id, Deed::Say(text.clone())).await;
            let is_acknowledged = heard == Heard::Acknowledged;
            if self.has(&said.token, heard).await? {
                let said = Said { id, is_acknowledged, ..said };
                self.note(said.clone());
                return Ok(said);
            }
            if !self.is_disturbed(before).await {
                self.miss(format!("LOST: {text:?} did not get to the bot and had to be said again"))?;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Whether the bot has a message, of which the platform heard this.
    pub(crate) async fn has(&self, token: &str, heard: Heard) -> anyhow::Result<bool> {
        match heard {
            Heard::Acknowledged => Ok(true),
            Heard::NotAcknowledged => Ok(false),
            Heard::Unknowable => self.arrives(token).await,
        }
    }

    /// Whether something has been in a message's way since there were so many deaths and broken connections.
    async fn is_disturbed(&self, (deaths, broken): (usize, usize)) -> bool {
        let begun = Instant::now();
        loop {
            let is_disturbed = self.misbehaves.load(Ordering::SeqCst)
                || self.deaths() > deaths
                || self.platform.broken_connections() > broken;
            if is_disturbed || begun.elapsed() > DYING {
                return is_disturbed;
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Somebody says something while the bot's disk is full: what the platform heard of it, until a little after the bot could not
    /// keep it. Afterwards there is space again.
    pub(crate) async fn say_to_full_disk(&self, channel: &str, said: &Said) -> anyhow::Result<Heard> {
        let (full, refused) = (is_full(self.folder.path()), was_refused(self.folder.path()));
        std::fs::write(&full, "")?;
        let refusal = async {
            let begun = Instant::now();
            while !refused.exists() {
                ensure!(begun.elapsed() < ARRIVAL, "LOST: {} was not handed to the sink", said.token);
                tokio::time::sleep(LOOK).await;
            }
            tokio::time::sleep(AFTERTHOUGHT).await;
            anyhow::Ok(())
        };
        let mut heard = Heard::NotAcknowledged;
        let act = async {
            heard = self.say_once(channel, said).await;
            std::future::pending::<Infallible>().await
        };
        let outcome = tokio::select! {
            outcome = refusal => outcome,
            never = act => match never {},
        };
        std::fs::remove_file(&full)?;
        outcome.map(|()| heard)
    }

    /// Says it once, whatever comes of it: what the bot acknowledged must not be lost.
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
            if !is_alive || begun.elapsed() > ARRIVAL {
                return Ok(false);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until nothing is owed any more.
    pub(crate) async fn settle(&self) -> anyhow::Result<()> {
        let (mut begun, mut fewest) = (Instant::now(), usize::MAX);
        loop {
            self.revive().await?;
            let owed: Vec<Entry> =
                self.ledger()?.into_iter().filter(|entry| entry.settled.is_none()).collect();
            if owed.is_empty() {
                return Ok(());
            }
            if owed.len() < fewest {
                (begun, fewest) = (Instant::now(), owed.len());
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
