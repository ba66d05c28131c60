//! Further parts of an answer that stands in the place of “thinking”. In: a part, and the interaction's token. Out: the same message, longer by
//! an embed. A further message would have no nonce, and could be there twice; an edit cannot.

use loquat_contract::{Delivery, Envelope, Part};
use reqwest::Method;
use serde_json::{Value, json};

use super::{DiscordEgress, id_of, is_gone, sent};
use crate::encode::{Encoded, UNIT};
use crate::receive::understand::Answer;
use crate::rest::{Call, Patience, Route};

/// The most characters of all embeds of a message.
const EMBEDS: usize = 6000;

impl DiscordEgress {
    /// Adds a part; `None` where there is nothing to add it to.
    pub(super) async fn grow(
        &self,
        answer: &Answer,
        envelope: &Envelope,
        encoded: &Encoded,
    ) -> Option<Delivery> {
        let route = || Route::original(answer.application, &answer.token);
        let shown = match self.shared.rest.call(Call::get(route()).patient(Patience::NONE)).await {
            Ok(shown) => shown,
            Err(failure) if is_gone(&failure) => return None,
            Err(failure) => return Some(failure.edit()),
        };
        let mut body = encoded.edit();
        let sources = body.get("embeds").and_then(Value::as_array).and_then(|embeds| embeds.first());
        let Some(embeds) = embeds(&shown, envelope.number, &envelope.part, sources) else {
            let reason = "the answer is longer than one message can be that one person alone sees".to_owned();
            return Some(Delivery::Permanent { reason });
        };
        if let Some(fields) = body.as_object_mut() {
            fields.remove("content");
            // The first part came without previews, which hides all embeds.
            fields.insert("flags".to_owned(), json!(0));
            fields.insert("embeds".to_owned(), Value::Array(embeds));
        }
        let call = Call::new(Method::PATCH, route()).json(body);
        Some(match self.shared.rest.call(call).await {
            Ok(shown) => sent(id_of(&shown)),
            Err(failure) => failure.edit(),
        })
    }
}

/// The embeds with this part in its place, and the sources below it where they have room; `None` where the part itself has none.
fn embeds(shown: &Value, number: u16, part: &Part, sources: Option<&Value>) -> Option<Vec<Value>> {
    let there = shown.get("embeds").and_then(Value::as_array);
    let words =
        |embed: &Value, key: &str| embed.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    // Previews of links are embeds too, and have an address.
    let own = there.into_iter().flatten().filter(|embed| embed.get("url").is_none());
    let mut texts: Vec<String> = own.map(|embed| words(embed, "description")).collect();
    texts.truncate(usize::from(number).saturating_sub(2));
    texts.push(part.text.clone());
    let length: usize = texts.iter().map(|text| UNIT.measure(text)).sum();
    let room = EMBEDS.checked_sub(length)?;
    let measure = |embed: &&Value| {
        ["title", "description"].iter().map(|key| UNIT.measure(&words(embed, key))).sum::<usize>()
    };
    let sources = sources.filter(|embed| measure(embed) <= room).cloned();
    Some(texts.into_iter().map(|text| json!({ "description": text })).chain(sources).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::part;

    #[test]
    fn a_part_has_its_place_and_what_has_none_is_refused() {
        let shown =
            json!({ "embeds": [{ "description": "two", "type": "rich" }, { "description": "three" }] });
        let texts = |number, text: &str| {
            embeds(&shown, number, &part(text), None).map(|embeds| {
                embeds
                    .iter()
                    .map(|embed| embed["description"].as_str().unwrap().to_owned())
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(texts(2, "2").unwrap(), ["2"]);
        assert_eq!(texts(3, "3").unwrap(), ["two", "3"], "made again it is there once");
        assert_eq!(texts(4, "4").unwrap(), ["two", "three", "4"]);
        assert_eq!(texts(4, &"x".repeat(5999)), None);
        let preview = json!({ "embeds": [{ "description": "a page", "url": "https://a.b" }, { "description": "two" }] });
        let sources = json!({ "title": "Sources", "description": "[1] a" });
        let all = |text: &str| embeds(&preview, 3, &part(text), Some(&sources)).unwrap();
        assert_eq!(
            all("3"),
            [json!({ "description": "two" }), json!({ "description": "3" }), sources.clone()]
        );
        assert_eq!(all(&"x".repeat(5990)).len(), 2, "no room for the sources");
    }
}
