//! Numbers and texts in bytes. In: integers (LEB128 of base 128, the least first) and text. Out: bytes, and back; what does not
//! decode is `None`.

use loquat_contract::Rank;

use crate::statement::Object;

/// Appends a number.
pub(crate) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes a number off the front.
#[inline]
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes as many bytes off the front.
#[inline]
pub(crate) fn take_bytes<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(head)
}

/// What the first byte of a literal says.
mod tag {
    pub(super) const TEXT: u8 = 0;
    pub(super) const TEXT_IN_LANGUAGE: u8 = 1;
    pub(super) const NUMBER: u8 = 2;
    pub(super) const NUMBER_WITH_UNIT: u8 = 3;
    /// A whole number that is written as such, from 0 on.
    pub(super) const WHOLE: u8 = 4;
    pub(super) const DATE: u8 = 5;
    pub(super) const FALSE: u8 = 6;
    pub(super) const TRUE: u8 = 7;
    pub(super) const URL: u8 = 8;
    pub(super) const COORDINATE: u8 = 9;
    pub(super) const UNKNOWN: u8 = 10;
    pub(super) const NOTHING: u8 = 11;
}

/// Encodes a literal; `language` and `unit` number the tags and ids that they are given. An entity is none and appends nothing.
pub(crate) fn put_literal(
    bytes: &mut Vec<u8>,
    object: &Object<&str>,
    language: impl FnOnce(&str) -> u64,
    unit: impl FnOnce(&str) -> u64,
) {
    match *object {
        Object::Entity(_) => {}
        Object::Text { text, language: None } => {
            bytes.push(tag::TEXT);
            bytes.extend_from_slice(text.as_bytes());
        }
        Object::Text { text, language: Some(own) } => {
            bytes.push(tag::TEXT_IN_LANGUAGE);
            put(bytes, language(own));
            bytes.extend_from_slice(text.as_bytes());
        }
        Object::Number { lexical, unit: None } => match lexical.parse::<u64>() {
            Ok(whole) if whole.to_string() == lexical => {
                bytes.push(tag::WHOLE);
                put(bytes, whole);
            }
            _ => {
                bytes.push(tag::NUMBER);
                bytes.extend_from_slice(lexical.as_bytes());
            }
        },
        Object::Number { lexical, unit: Some(own) } => {
            bytes.push(tag::NUMBER_WITH_UNIT);
            put(bytes, unit(own));
            bytes.extend_from_slice(lexical.as_bytes());
        }
        Object::Date(date) => {
            bytes.push(tag::DATE);
            bytes.extend_from_slice(date.as_bytes());
        }
        Object::Boolean(value) => bytes.push(if value { tag::TRUE } else { tag::FALSE }),
        Object::Url(url) => {
            bytes.push(tag::URL);
            bytes.extend_from_slice(url.as_bytes());
        }
        Object::Coordinate(degrees) => {
            bytes.push(tag::COORDINATE);
            bytes.extend_from_slice(degrees.as_bytes());
        }
        Object::Unknown => bytes.push(tag::UNKNOWN),
        Object::Nothing => bytes.push(tag::NOTHING),
    }
}

/// Decodes a literal; `language` and `unit` give back what the numbers stood for.
pub(crate) fn take_literal<'a>(
    mut bytes: &'a [u8],
    language: impl FnOnce(u64) -> Option<&'a str>,
    unit: impl FnOnce(u64) -> Option<&'a str>,
) -> Option<Object<std::borrow::Cow<'a, str>>> {
    let text = |bytes: &'a [u8]| std::str::from_utf8(bytes).ok().map(std::borrow::Cow::Borrowed);
    let (kind, rest) = bytes.split_first()?;
    bytes = rest;
    Some(match *kind {
        tag::TEXT => Object::Text { text: text(bytes)?, language: None },
        tag::TEXT_IN_LANGUAGE => {
            let language = language(take(&mut bytes)?)?;
            Object::Text { text: text(bytes)?, language: Some(language.into()) }
        }
        tag::NUMBER => Object::Number { lexical: text(bytes)?, unit: None },
        tag::NUMBER_WITH_UNIT => {
            let unit = unit(take(&mut bytes)?)?;
            Object::Number { lexical: text(bytes)?, unit: Some(unit.into()) }
        }
        tag::WHOLE => Object::Number { lexical: take(&mut bytes)?.to_string().into(), unit: None },
        tag::DATE => Object::Date(text(bytes)?),
        tag::FALSE => Object::Boolean(false),
        tag::TRUE => Object::Boolean(true),
        tag::URL => Object::Url(text(bytes)?),
        tag::COORDINATE => Object::Coordinate(text(bytes)?),
        tag::UNKNOWN => Object::Unknown,
        tag::NOTHING => Object::Nothing,
        _ => return None,
    })
}

/// A rank in one byte.
pub(crate) fn rank_byte(rank: Rank) -> u8 {
    match rank {
        Rank::Normal => 0,
        Rank::Preferred => 1,
        Rank::Deprecated => 2,
    }
}

/// The rank of a byte.
pub(crate) fn rank_of(byte: u8) -> Rank {
    match byte {
        1 => Rank::Preferred,
        2 => Rank::Deprecated,
        _ => Rank::Normal,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(any::<u64>(), 0..20)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| put(&mut bytes, *number));
            let mut rest = bytes.as_slice();
            for number in &numbers {
                prop_assert_eq!(take(&mut rest), Some(*number));
            }
            prop_assert!(rest.is_empty() && take(&mut rest).is_none());
        }

        #[test]
        fn any_bytes_decode_or_do_not(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = take_literal(&bytes, |_| Some("en"), |_| Some("m"));
        }
    }

    #[test]
    fn literals_come_back() {
        for object in [
            Object::Text { text: "words", language: None },
            Object::Text { text: "Wörter", language: Some("de") },
            Object::Number { lexical: "0", unit: None },
            Object::Number { lexical: "007", unit: None },
            Object::Number { lexical: "-1.50", unit: None },
            Object::Number { lexical: "18446744073709551616", unit: None },
            Object::Number { lexical: "5", unit: Some("metre") },
            Object::Date("196X"),
            Object::Boolean(true),
            Object::Boolean(false),
            Object::Url("https://a.example/"),
            Object::Coordinate("1.5 -2"),
            Object::Unknown,
            Object::Nothing,
        ] {
            let mut bytes = Vec::new();
            put_literal(
                &mut bytes,
                &object,
                |language| u64::from(language == "de"),
                |unit| u64::from(unit == "metre"),
            );
            let back = take_literal(&bytes, |n| (n == 1).then_some("de"), |n| (n == 1).then_some("metre"));
            assert_eq!(format!("{back:?}"), format!("{:?}", Some(object)));
        }
    }
}
