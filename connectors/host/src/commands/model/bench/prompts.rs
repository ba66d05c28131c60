//! Prompts to measure with. In: a model and how many tokens are wanted. Out: chats of about so many, of real words, the same in every
//! run. Must not know: what is timed.

use futures::StreamExt;
use loquat_contract::{ChatMessage, GenerateRequest, LanguageModel, Role, Sampling, Token};

/// Common words, each a single token in most vocabularies.
const WORDS: &str = "time year people way day man thing woman life child world school state family student group \
    country problem hand part place case week company system program question work government number night point \
    home water room mother area money story fact month lot right study book eye job word business issue side kind \
    head house service friend father power hour game line end member law car city community name president team \
    minute idea kid body information back parent face others level office door health person art war history party \
    result change morning reason research girl guy moment air teacher force education foot boy age policy music \
    market sense nation plan college interest death experience effect use class control field development role \
    effort rate heart drug show leader light voice wife police mind price report decision son view relationship \
    town road arm difference value building action season society tax director position player record paper space \
    ground form event official matter center couple site project activity star table need court oil situation cost";

/// Makes chats for one model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prompts {
    /// Tokens of a chat without words.
    empty: f64,
    /// Tokens a word.
    word: f64,
}

impl Prompts {
    /// Sees how many tokens the model's vocabulary and template make of words.
    ///
    /// # Errors
    /// The model fails.
    pub(super) async fn of(model: &impl LanguageModel) -> anyhow::Result<Self> {
        let (few, many) = (8, 72);
        // Numbers far from those that are timed, lest a cache of prefixes know them.
        let short = tokens_of(model, words(u64::MAX, few)).await?;
        let long = tokens_of(model, words(u64::MAX - 1, many)).await?;
        let word = (long - short) / (many - few) as f64;
        Ok(Self { empty: short - word * few as f64, word })
    }

    /// How many words make a chat of about `tokens` tokens; at least one.
    pub(super) fn words_for(&self, tokens: usize) -> usize {
        (((tokens as f64 - self.empty) / self.word).round() as usize).max(1)
    }
}

/// `count` words in the order that `number` gives; chats of different numbers differ from their first word on.
pub(super) fn words(number: u64, count: usize) -> String {
    let list: Vec<&str> = WORDS.split_whitespace().collect();
    // SplitMix64 (Steele, Lea and Flood 2014): a plain function of place and number.
    let pick = |at: usize| {
        let mut mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add((at as u64) << 32 | 1);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        list[((mixed ^ (mixed >> 31)) % list.len() as u64) as usize]
    };
    (0..count).map(pick).collect::<Vec<_>>().join(" ")
}

/// A chat that asks for a long reply about `words`.
pub(super) fn request(words: String, tokens: usize) -> GenerateRequest {
    GenerateRequest {
        messages: vec![
            // The words come first, so that nothing but the template is common to two chats.
            ChatMessage::new(Role::User, format!("{words}: write a very long story about all of this.")),
        ],
        sampling: Sampling { max_tokens: tokens, ..Sampling::default() },
        ..GenerateRequest::default()
    }
}

async fn tokens_of(model: &impl LanguageModel, words: String) -> anyhow::Result<f64> {
    let mut stream = model.generate(request(words, 1));
    while let Some(item) = stream.next().await {
        if let Token::Prompt(tokens) = item? {
            return Ok(tokens as f64);
        }
    }
    anyhow::bail!("the model does not say how many tokens a prompt has; it has to send `Token::Prompt` first")
}

#[cfg(test)]
mod tests {
    use super::{Prompts, words};

    #[test]
    fn words_are_the_same_in_every_run_and_differ_by_number() {
        assert_eq!(words(3, 40), words(3, 40));
        assert_ne!(words(3, 40), words(4, 40));
        assert_eq!(words(3, 40).split(' ').count(), 40);
        assert!(words(3, 40).starts_with(&words(3, 20)), "a longer one goes on where a shorter one ends");
    }

    #[test]
    fn enough_words_for_the_tokens_wanted() {
        let prompts = Prompts { empty: 32.0, word: 1.0 };
        assert_eq!(prompts.words_for(64), 32);
        assert_eq!(prompts.words_for(10), 1);
    }
}
