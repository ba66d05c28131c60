//! Personal data in what people said. In: conversations. Out: the same with marks such as `[email]` in place of addresses, numbers and names, and
//! how many of each were taken out. What is a telephone, card or account number is decided by the rules of their issuers, so that
//! order numbers stay.

use std::collections::BTreeMap;
use std::ops::Range;

use card_validate::Validate;
use iban::Iban;
use linkify::{LinkFinder, LinkKind};
use phonenumber::country;
use regex::Regex;

use crate::chat::Chat;
use crate::error::PrepareError;
use crate::example::Role;
use crate::settings::Clean;

/// The fewest characters of an account number (Norway's).
const LEAST_ACCOUNT: usize = 15;

/// Takes personal data out, and counts it.
#[derive(Debug)]
pub struct Cleaner {
    settings: Clean,
    country: Option<country::Id>,
    links: LinkFinder,
    accounts: Regex,
    numbers: Regex,
    addresses: Regex,
    removed: BTreeMap<String, usize>,
}

impl Cleaner {
    /// A cleaner as the recipe says.
    ///
    /// # Errors
    /// When its country is none.
    pub fn new(settings: &Clean) -> Result<Self, PrepareError> {
        let wrong =
            |problem: String| PrepareError::Settings { key: "prepare.clean.country".to_owned(), problem };
        let country = match &settings.country {
            Some(code) => Some(code.to_uppercase().parse().map_err(|_| {
                wrong(format!("is {code:?}; it is two letters of ISO 3166-1, such as \"DE\""))
            })?),
            None => None,
        };
        let pattern = |pattern: &str| Regex::new(pattern).map_err(|error| wrong(error.to_string()));
        let mut links = LinkFinder::new();
        links.kinds(&[LinkKind::Email]);
        Ok(Self {
            settings: settings.clone(),
            country,
            links,
            accounts: pattern(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b")?,
            numbers: pattern(r"(?:\+|\(|\b)[0-9](?:[ ()./-]{0,2}[0-9]){6,22}\b")?,
            addresses: pattern(ADDRESSES)?,
            removed: BTreeMap::new(),
        })
    }

    /// How many of each kind were taken out so far.
    pub fn removed(&self) -> BTreeMap<String, usize> {
        self.removed.clone()
    }

    /// A conversation without personal data. What the bot's owner wrote, the system messages, stays.
    pub fn clean(&mut self, mut chat: Chat) -> Chat {
        if self.settings.personal_data || !self.settings.words.is_empty() {
            for message in chat.messages.iter_mut().filter(|message| message.role != Role::System) {
                message.content = self.text(&message.content, &chat.names);
            }
        }
        chat
    }

    fn text(&mut self, text: &str, names: &[String]) -> String {
        let kept: Vec<Range<usize>> = self.settings.keep.iter().flat_map(|word| places(text, word)).collect();
        let mut found: Vec<(Range<usize>, &str)> = Vec::new();
        if self.settings.personal_data {
            found.extend(self.links.links(text).map(|link| (link.start()..link.end(), "email")));
            found.extend(
                self.accounts.find_iter(text).filter_map(|m| Some((account(text, m.range())?, "account"))),
            );
            for candidate in self.numbers.find_iter(text) {
                found.extend(self.number(candidate.as_str()).map(|kind| (candidate.range(), kind)));
            }
            found.extend(self.addresses.find_iter(text).map(|m| (m.range(), "address")));
            found.extend(names.iter().flat_map(|name| named(text, name)).map(|range| (range, "name")));
        }
        let words = self.settings.words.iter().flat_map(|word| places(text, word));
        found.extend(words.map(|range| (range, "removed")));
        found.retain(|(range, _)| kept.iter().all(|kept| range.end <= kept.start || range.start >= kept.end));
        // The longest of those that begin at one place.
        found.sort_by_key(|(range, _)| (range.start, std::cmp::Reverse(range.end)));
        let mut clean = String::with_capacity(text.len());
        let mut at = 0;
        for (range, kind) in found {
            if range.start < at {
                continue;
            }
            clean.push_str(&text[at..range.start]);
            clean.push('[');
            clean.push_str(kind);
            clean.push(']');
            at = range.end;
            *self.removed.entry(kind.to_owned()).or_default() += 1;
        }
        clean.push_str(&text[at..]);
        clean
    }

    /// What a row of digits is, by its issuer's rules.
    fn number(&self, text: &str) -> Option<&'static str> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if !text.starts_with('+') && Validate::from(&digits).is_ok() {
            return Some("card");
        }
        let international = text.strip_prefix("00").map(|rest| format!("+{rest}"));
        let written = international.as_deref().unwrap_or(text);
        let parsed = phonenumber::parse(self.country, written).ok()?;
        (written.starts_with('+')
            || self.country.is_some() && text.starts_with(['0', '('])
            || self.country == Some(country::Id::US))
        .then(|| parsed.is_valid().then_some("phone"))
        .flatten()
    }
}

/// A house in a street, as English, German and Chinese write it.
const ADDRESSES: &str = r"(?x)
    \b[0-9]{1,5}[a-zA-Z]?\ (?:[A-Z][a-z]+\ ){1,3}(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Square|Court|Place)\b
    | \b\p{Lu}\p{L}+(?:straße|strasse|str\.|weg|platz|allee|gasse)\ [0-9]{1,4}[a-z]?\b
    | \b(?:\p{Lu}\p{L}+[\ -]){1,3}(?:Straße|Strasse|Str\.|Weg|Platz|Allee|Gasse)\ [0-9]{1,4}[a-z]?\b
    | \p{Han}{2,8}(?:路|街|巷|道)[0-9]+号(?:[0-9]+(?:栋|室|楼|单元))*";

/// An account number at the start of what looks like one: what follows it may be in capitals too.
fn account(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let ends = (range.start + LEAST_ACCOUNT..=range.end).rev();
    ends.filter(|end| text.is_char_boundary(*end)).map(|end| range.start..end).find(|range| {
        let bare: String = text[range.clone()].chars().filter(|c| *c != ' ').collect();
        text[range.clone()].ends_with(|c: char| c != ' ') && bare.parse::<Iban>().is_ok()
    })
}

/// Where somebody's name stands, or one of its words as names are written: of "Will Lee" also "Will", and not "will". A name of one letter is
/// in every text, and words of fewer than three in many.
fn named(text: &str, name: &str) -> Vec<Range<usize>> {
    const LETTERS: usize = 3;
    if name.trim().chars().count() < 2 {
        return Vec::new();
    }
    let mut found = places(text, name);
    for word in name.split_whitespace().filter(|word| word.chars().count() >= LETTERS) {
        if word.starts_with(char::is_uppercase) {
            found.extend(places(text, word).into_iter().filter(|range| text[range.clone()] == *word));
        }
    }
    found
}

/// Where a name stands as whole words, whatever its case.
fn places(text: &str, name: &str) -> Vec<Range<usize>> {
    if name.trim().is_empty() {
        return Vec::new();
    }
    let pattern = format!("(?i){}", regex::escape(name.trim()));
    let Ok(pattern) = Regex::new(&pattern) else { return Vec::new() };
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !is_han(c));
    let is_whole = |range: &Range<usize>| {
        let begins_with_letter = text[range.clone()].starts_with(|c: char| c.is_alphanumeric() && !is_han(c));
        !begins_with_letter
            || !is_letter(text[..range.start].chars().next_back())
                && !is_letter(text[range.end..].chars().next())
    };
    pattern.find_iter(text).map(|found| found.range()).filter(is_whole).collect()
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::example::Message;

    fn cleaned(settings: &Clean, text: &str) -> (String, BTreeMap<String, usize>) {
        let mut cleaner = Cleaner::new(settings).unwrap();
        let chat = Chat {
            id: "1".into(),
            unit: "1".into(),
            messages: vec![Message::new(Role::User, text)],
            names: vec!["Ann Lee".into()],
            is_grounded: false,
        };
        let chat = cleaner.clean(chat);
        (chat.messages[0].content.clone(), cleaner.removed())
    }

    #[test]
    fn what_tells_who_it_was_is_taken_out() {
        let german = Clean { country: Some("de".into()), ..Clean::default() };
        for (text, expected) in [
            ("Write to ann.lee@mail.example, please.", "Write to [email], please."),
            ("I am ann lee, and Annabel is not.", "I am [name], and Annabel is not."),
            ("Thanks, Ann! See Lee's, an ann and lee.", "Thanks, [name]! See [name]'s, an ann and lee."),
            ("Call +49 30 901820 or +1 212-555-2368.", "Call [phone] or [phone]."),
            ("Call 030 901820 today.", "Call [phone] today."),
            ("My card is 4111 1111 1111 1111.", "My card is [card]."),
            ("Pay to DE89 3704 0044 0532 0130 00 NOW", "Pay to [account] NOW"),
            ("I live at 12 Long Acre Street, near you.", "I live at [address], near you."),
            ("Hauptstraße 5 in Bonn", "[address] in Bonn"),
            ("我住在人民路12号。", "[address]。"),
        ] {
            assert_eq!(cleaned(&german, text).0, expected);
        }
        let (_, counts) = cleaned(&german, "a@b.example and c@d.example");
        assert_eq!(counts, BTreeMap::from([("email".to_owned(), 2)]));
    }

    #[test]
    fn order_numbers_years_and_what_is_to_be_kept_stay() {
        let plain = Clean::default();
        for text in [
            "Where is my order 10482?",
            "The tracking number is 00340434161094012481.",
            "In 2024 it cost 249.00 euros, 24 months ago.",
            "The population is 1 234 567 890.",
        ] {
            assert_eq!(cleaned(&plain, text).0, text);
        }
        let own = Clean {
            keep: vec!["service@shop.example".into()],
            words: vec!["Project Heron".into()],
            ..Clean::default()
        };
        assert_eq!(
            cleaned(&own, "Ask service@shop.example of project heron.").0,
            "Ask service@shop.example of [removed]."
        );
        let off = Clean { personal_data: false, ..Clean::default() };
        assert_eq!(cleaned(&off, "a@b.example").0, "a@b.example");
        assert!(Cleaner::new(&Clean { country: Some("Narnia".into()), ..Clean::default() }).is_err());
    }
}
