//! A platform and a journal in memory. In: what dispatch asks of them. Out: the same as lines of one log, in the order it happened.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use loquat_contract::testing::{MemoryGraph, ScriptedModel};
use loquat_contract::{
    Accepted, Address, BoxFuture, CancellationToken, Capabilities, ConnectorError, ConversationId, Egress,
    Entity, Fact, Inbound, Journal, JournalError, Knowledge, Label, Language, MessageId, Pending, Policy,
    Predicate, Refusal, Reply, Sampling, Sender, Sentence, Sequence, Sink, Stage, Templates, Value,
};
use loquat_dialogue::{Bot, Engine};
use tokio::sync::{Barrier, Notify};

use crate::dispatch::Dispatch;

/// The longest message taken.
pub(super) const LIMIT: usize = 40;

type Log = Arc<Mutex<Vec<String>>>;
type Failure = fn() -> ConnectorError;

pub(super) fn message(channel: &str, id: &str, text: &str) -> Inbound {
    Inbound {
        id: MessageId(id.into()),
        conversation: ConversationId {
            bot: "b".into(),
            platform: "p".into(),
            channel: channel.into(),
            thread: None,
        },
        sender: Sender { id: "s".into(), name: None },
        text: text.into(),
    }
}

/// A platform that takes replies, or does not.
pub(super) struct Platform {
    log: Log,
    answers: Mutex<Vec<String>>,
    pub(super) capabilities: Mutex<Capabilities>,
    /// The deliveries that have to be under way at once before one of them ends.
    pub(super) together: Mutex<Option<Arc<Barrier>>>,
    failures: Mutex<VecDeque<Failure>>,
    fails_always: Mutex<Option<Failure>>,
    /// Told after every delivery that failed.
    pub(super) tried: Notify,
}

impl Platform {
    pub(super) fn answers(&self) -> Vec<String> {
        self.answers.lock().unwrap().clone()
    }

    pub(super) fn fail_next(&self, failure: Failure) {
        self.failures.lock().unwrap().push_back(failure);
    }

    pub(super) fn fail_always(&self, failure: Failure) {
        *self.fails_always.lock().unwrap() = Some(failure);
    }

    fn failure(&self) -> Option<ConnectorError> {
        let next = self.failures.lock().unwrap().pop_front();
        next.or(*self.fails_always.lock().unwrap()).map(|failure| failure())
    }

    fn say(&self, what: &str, to: &Address) {
        self.log.lock().unwrap().push(format!("{what} {}", to.in_reply_to.0));
    }
}

impl Egress for Platform {
    fn capabilities(&self) -> Capabilities {
        *self.capabilities.lock().unwrap()
    }

    fn deliver<'a>(&'a self, to: &'a Address, reply: &'a Reply) -> BoxFuture<'a, Result<(), ConnectorError>> {
        Box::pin(async move {
            self.say("deliver", to);
            let together = self.together.lock().unwrap().clone();
            if let Some(barrier) = together {
                barrier.wait().await;
            }
            // Time for a message that does not wait for its turn to overtake this one.
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            if let Some(failure) = self.failure() {
                self.tried.notify_one();
                return Err(failure);
            }
            self.answers.lock().unwrap().push(reply.answer.clone());
            Ok(())
        })
    }

    fn draft<'a>(&'a self, to: &'a Address, _: &'a Sentence) -> BoxFuture<'a, ()> {
        Box::pin(async move { self.say("draft", to) })
    }

    fn apologise<'a>(&'a self, to: &'a Address, reason: &'a str) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.log.lock().unwrap().push(format!("apologise {}: {reason}", to.in_reply_to.0));
        })
    }
}

/// A message with everything that was recorded of it.
struct Entry {
    inbound: Inbound,
    stages: Vec<Stage>,
}

impl Entry {
    fn is_owed(&self) -> bool {
        !self.stages.iter().any(|stage| matches!(stage, Stage::Delivered | Stage::Failed(_)))
    }
}

/// A journal that lives as long as the test.
pub(super) struct MemoryJournal {
    log: Log,
    entries: Mutex<Vec<Entry>>,
}

impl MemoryJournal {
    /// Keeps a message as an earlier run would have.
    pub(super) fn keep(&self, inbound: &Inbound) -> Accepted {
        let mut entries = self.entries.lock().unwrap();
        if let Some(place) = entries.iter().position(|entry| entry.inbound.address() == inbound.address()) {
            return Accepted::Duplicate(Sequence(place as u64));
        }
        entries.push(Entry { inbound: inbound.clone(), stages: Vec::new() });
        Accepted::New(Sequence(entries.len() as u64 - 1))
    }

    /// The ids of the messages that are owed something.
    pub(super) fn owed(&self) -> Vec<String> {
        let entries = self.entries.lock().unwrap();
        entries.iter().filter(|entry| entry.is_owed()).map(|entry| entry.inbound.id.0.clone()).collect()
    }

    /// Why a message failed, where it did.
    pub(super) fn failure(&self, id: &str) -> Option<String> {
        let entries = self.entries.lock().unwrap();
        match entries.iter().find(|entry| entry.inbound.id.0 == id)?.stages.last()? {
            Stage::Failed(reason) => Some(reason.clone()),
            _ => None,
        }
    }
}

impl Journal for MemoryJournal {
    fn accept<'a>(&'a self, inbound: &'a Inbound) -> BoxFuture<'a, Result<Accepted, JournalError>> {
        Box::pin(async move {
            let accepted = self.keep(inbound);
            if matches!(accepted, Accepted::New(_)) {
                self.log.lock().unwrap().push(format!("accept {}", inbound.id.0));
            }
            Ok(accepted)
        })
    }

    fn record(&self, sequence: Sequence, stage: Stage) -> BoxFuture<'_, Result<(), JournalError>> {
        Box::pin(async move {
            let name = match &stage {
                Stage::Replied(_) => "replied",
                Stage::Delivered => "delivered",
                Stage::Failed(_) => "failed",
            };
            let entry = &mut self.entries.lock().unwrap()[sequence.0 as usize];
            self.log.lock().unwrap().push(format!("{name} {}", entry.inbound.id.0));
            entry.stages.push(stage);
            Ok(())
        })
    }

    fn pending(&self) -> BoxFuture<'_, Result<Vec<Pending>, JournalError>> {
        Box::pin(async move {
            let pending = |(place, entry): (usize, &Entry)| {
                let reply = entry.stages.iter().find_map(|stage| match stage {
                    Stage::Replied(reply) => Some(reply.clone()),
                    _ => None,
                });
                let sequence = Sequence(place as u64);
                entry.is_owed().then(|| Pending { sequence, inbound: entry.inbound.clone(), reply })
            };
            Ok(self.entries.lock().unwrap().iter().enumerate().filter_map(pending).collect())
        })
    }
}

fn entity(name: &str) -> Arc<Entity> {
    let labels = vec![Label::new(name, "en")];
    Arc::new(Entity { id: name.into(), labels, aliases: vec![], articles: vec![] })
}

fn graph() -> MemoryGraph {
    let capital = Arc::new(Predicate {
        id: "capital".into(),
        labels: vec![Label::new("capital", "en")],
        templates: Templates {
            single: vec![Label::new("The capital of {subject} is {object}.", "en")],
            ..Templates::default()
        },
        ..Predicate::default()
    });
    let fact = |(country, city): (&str, &str)| Fact {
        id: country.into(),
        subject: entity(country),
        predicate: capital.clone(),
        object: Value::Entity(entity(city)),
        source: "test.ttl".into(),
    };
    MemoryGraph::new([("Bhutan", "Thimphu"), ("Nepal", "Kathmandu")].map(fact).into())
}

/// A dispatch with everything it talks to.
pub(super) struct Bench {
    pub(super) dispatch: Dispatch,
    pub(super) platform: Arc<Platform>,
    pub(super) journal: Arc<MemoryJournal>,
    pub(super) stop: CancellationToken,
    log: Log,
}

impl Bench {
    /// With a model that says nothing, so that the graph's templates do.
    pub(super) fn new() -> Self {
        Self::with_graph(Arc::new(graph()))
    }

    pub(super) fn with_graph(graph: Arc<dyn Knowledge>) -> Self {
        let log = Log::default();
        let journal = Arc::new(MemoryJournal { log: log.clone(), entries: Mutex::default() });
        Self::of(graph, journal, log)
    }

    fn of(graph: Arc<dyn Knowledge>, journal: Arc<MemoryJournal>, log: Log) -> Self {
        let bot = Bot {
            name: "b".into(),
            persona: String::new(),
            policy: Policy::Strict,
            languages: vec![Language::english()],
            sampling: Sampling::default(),
        };
        let capabilities = Capabilities { max_length: None, drafts: true, outlives_process: true };
        let platform = Arc::new(Platform {
            log: log.clone(),
            answers: Mutex::default(),
            capabilities: Mutex::new(capabilities),
            together: Mutex::default(),
            failures: Mutex::default(),
            fails_always: Mutex::default(),
            tried: Notify::new(),
        });
        let stop = CancellationToken::new();
        let dispatch = Dispatch::new(
            Arc::new(Engine::new(bot, graph, vec![Arc::new(ScriptedModel::new([""; 0]))]).unwrap()),
            journal.clone(),
            HashMap::from([("p".to_owned(), platform.clone() as Arc<dyn Egress>)]),
            LIMIT,
            stop.clone(),
        );
        Self { dispatch, platform, journal, stop, log }
    }

    /// The next run: a new process with the same journal, and an empty log.
    pub(super) fn restarted(self) -> Self {
        self.log.lock().unwrap().clear();
        Self::of(Arc::new(graph()), self.journal, self.log)
    }

    pub(super) async fn accept(&self, inbound: &Inbound) -> Result<(), Refusal> {
        self.dispatch.accept(inbound.clone()).await
    }

    /// Waits until all that was accepted is handled; a dispatch that hangs fails the test instead of stopping it.
    pub(super) async fn drain(&self) {
        tokio::time::timeout(std::time::Duration::from_secs(60), self.dispatch.drain()).await.unwrap();
    }

    fn lines(&self, is_accept: bool) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|line| line.starts_with("accept ") == is_accept).cloned().collect()
    }

    /// The ids of the accepted messages, in order.
    pub(super) fn accepted(&self) -> Vec<String> {
        self.lines(true).iter().map(|line| line["accept ".len()..].to_owned()).collect()
    }

    /// What happened after acceptance, in order.
    pub(super) fn steps(&self) -> Vec<String> {
        self.lines(false)
    }
}
