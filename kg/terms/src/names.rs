//! Names for what has none. In: an id. Out: words.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::triple;

/// The name of an entity without label: the last segment of its IRI, or the whole of a table's name; `_` as space.
pub fn entity_name(id: &str) -> String {
    let name = if is_iri(id) { last_segment(id) } else { id };
    percent_decoded(name).replace('_', " ").trim().to_owned()
}

/// The name of a predicate without label: the last segment of an IRI or path, split at underscores and camel case.
pub fn predicate_name(id: &str) -> String {
    let name = if is_iri(id) || id.starts_with('/') { last_segment(id) } else { id };
    let name = percent_decoded(name);
    let characters: Vec<char> = name.chars().collect();
    let mut words = String::with_capacity(name.len() + 4);
    for (index, c) in characters.iter().copied().enumerate() {
        let before = index.checked_sub(1).map(|before| characters[before]);
        let lower_next = characters.get(index + 1).is_some_and(|next| next.is_lowercase());
        let hump = c.is_uppercase()
            && before
                .is_some_and(|b| b.is_lowercase() || b.is_ascii_digit() || (b.is_uppercase() && lower_next));
        if hump {
            words.push(' ');
        }
        // A hump loses its capital, an acronym keeps its own.
        if hump && lower_next {
            words.extend(c.to_lowercase());
        } else {
            words.push(if c == '_' { ' ' } else { c });
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an id alone, with nothing said of it, is just a web address.
pub fn is_address(id: &str) -> bool {
    id.starts_with("http://") || id.starts_with("https://")
}

/// Whether an id is an IRI rather than a name from a table.
pub fn is_iri(id: &str) -> bool {
    let Some((scheme, rest)) = id.split_once(':') else { return false };
    !rest.is_empty()
        && !rest.starts_with(' ')
        && !id.contains(' ')
        && scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
}

fn last_segment(id: &str) -> &str {
    id.rsplit(['/', '#', ':']).find(|segment| !segment.is_empty()).unwrap_or(id)
}

/// What stands for something else in an IRI, or may: all but letters, digits and `-._~` (RFC 3986, 2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as a part of an IRI.
pub fn percent_encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The text as it stands where what it stands for is none.
fn percent_decoded(text: &str) -> String {
    triple::percent_decoded(text).unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{entity_name, is_iri, predicate_name};

    #[test]
    fn ids_become_words() {
        assert_eq!(entity_name("http://dbpedia.org/resource/S%C3%A3o_Paulo"), "São Paulo");
        assert_eq!(entity_name("Corinne Bailey Rae"), "Corinne Bailey Rae");
        assert_eq!(entity_name("AC/DC"), "AC/DC");
        assert_eq!(entity_name("Mission: Impossible"), "Mission: Impossible");
        assert_eq!(predicate_name("http://example.com/ns#sharesBorderWith"), "shares border with");
        assert_eq!(predicate_name("directed_by"), "directed by");
        assert_eq!(predicate_name("/location/country/form_of_government"), "form of government");
        assert_eq!(predicate_name("isoAlpha2"), "iso alpha2");
        assert_eq!(predicate_name("hasISOCode"), "has ISO code");
        assert_eq!(predicate_name("place of birth"), "place of birth");
    }

    #[test]
    fn iris_are_told_from_names() {
        assert!(is_iri("https://loquat.example/world#capital") && is_iri("urn:isbn:1"));
        assert!(!is_iri("Mission: Impossible") && !is_iri("2:37") && !is_iri("plain"));
    }
}
