//! The server that is measured. In: how many tokens an answer has. Out: a web chat on the real journal and dispatch, until its standard
//! input ends.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use loquat_contract::testing::reply;
use loquat_contract::{
    BotCard, BoxFuture, CancellationToken, ConversationId, Dialogue, DialogueError, Egress, Reply, Sentence,
};
use loquat_dispatch::access::Access;
use loquat_dispatch::{Bot, Dispatch, Settings};
use loquat_journal::EmbeddedJournal;
use loquat_web::{Config, bind};
use tokio::time::Instant;

use crate::{Error, Load};

/// The shortest and the longest time between two tokens, in milliseconds.
const BETWEEN: (u64, u64) = (50, 100);

/// Writes tokens at their time; each says when that was.
struct Script {
    tokens: usize,
}

impl Dialogue for Script {
    fn answer<'a>(
        &'a self,
        conversation: &'a ConversationId,
        _: &'a str,
        show: &'a mut (dyn FnMut(&Sentence) + Send),
    ) -> BoxFuture<'a, Result<Reply, DialogueError>> {
        Box::pin(async move {
            let begun = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
            // Another for each conversation and answer, so that the tokens of all do not fall together.
            let seed =
                conversation.channel.bytes().map(u64::from).fold(begun.1.as_micros() as u64, |all, byte| {
                    (all ^ byte).wrapping_mul(0x0100_0000_01b3)
                });
            let (mut random, mut due) = (seed, Duration::ZERO);
            let mut sentences = Vec::with_capacity(self.tokens);
            for _ in 0..self.tokens {
                random =
                    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                due += Duration::from_millis(BETWEEN.0 + (random >> 33) % (BETWEEN.1 - BETWEEN.0 + 1));
                tokio::time::sleep_until(begun.0 + due).await;
                let sentence = Sentence::line(format!("@{}", (begun.1 + due).as_micros()));
                show(&sentence);
                sentences.push(sentence);
            }
            let answer: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
            Ok(Reply { sentences: sentences.clone(), ..reply(&answer.join(" ")) })
        })
    }
}

pub(crate) async fn serve(load: Load) -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let journal = Arc::new(EmbeddedJournal::open(&folder.path().join("journal"))?);
    let mut config = Config { port: 0, ..Config::default() };
    // All come from one address, and say more than people do.
    let limits = &mut config.limits;
    (limits.messages_per_minute, limits.address_messages_per_minute) = (0, 0);
    (limits.address_requests_per_minute, limits.address_sessions_per_hour) = (0, 0);
    (limits.address_streams, limits.connections, limits.address_connections) = (0, 0, 0);
    let bound = bind(&config)?;
    let mut out = std::io::stdout();
    writeln!(out, "{}", bound.address())?;
    out.flush()?;
    let (ingress, egress) = bound.connect(BotCard { name: "Script".to_owned(), ..BotCard::default() });
    let stop = CancellationToken::new();
    let access = Access { messages_per_minute: 0, conversation_messages_per_minute: 0, ..Access::default() };
    let settings = Settings { actions: Vec::new(), ..Settings::default() };
    let bot = Bot { max_message_chars: 4000, settings, access, ..Bot::default() };
    let egresses = HashMap::from([("web".to_owned(), Arc::new(egress) as Arc<dyn Egress>)]);
    let script = Arc::new(Script { tokens: load.tokens });
    let dispatch = Dispatch::new(bot, script, journal, egresses, stop.clone());
    let stopped = stop.clone();
    std::thread::spawn(move || {
        let _ended = std::io::stdin().read_to_end(&mut Vec::new());
        stopped.cancel();
    });
    dispatch.run("web", Arc::new(ingress)).await?;
    dispatch.drain().await;
    Ok(())
}
