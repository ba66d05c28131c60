//! What the endpoint's table says. In: the `graph.sparql` table of a bot's file. Out: a [`Config`]. Connects to nothing.

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

/// Where the endpoint is, and how it is asked.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The address that takes queries, such as `http://127.0.0.1:7878/query`. Default: none, and the graph is the local one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// The IRI of the named graph to read. Default: the endpoint's default graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph: Option<String>,
    /// A token, sent as `Authorization: Bearer`. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub token: Option<SecretString>,
    /// A user name, sent with the password as `Authorization: Basic`. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The user's password. Default: none.
    #[serde(serialize_with = "redacted", skip_serializing_if = "Option::is_none")]
    pub password: Option<SecretString>,
    /// The longest that one query may take, from connecting to the last byte, in seconds. Default: 10.
    pub timeout_s: u64,
    /// The most rows of one answer; an answer with more is an error. Default: 20,000.
    pub max_rows: usize,
    /// How many names, descriptions and entities' facts are remembered, of each kind. Default: 20,000.
    pub cache_entries: u64,
    /// How long they are remembered, in seconds; 0 remembers nothing. Default: 300.
    pub cache_s: u64,
    /// How often the predicates are read anew, in seconds. Default: 600.
    pub schema_s: u64,
    /// Predicates of preferred names. Default: `rdfs:label`, `skos:prefLabel`, `schema:name`.
    pub label_predicates: Vec<String>,
    /// Predicates of further names. Default: `skos:altLabel`, `schema:alternateName`.
    pub alias_predicates: Vec<String>,
    /// Predicates that say in a few words what a thing is. Default: `schema:description`, `dct:description`.
    pub description_predicates: Vec<String>,
    /// The language tags of names, as the endpoint writes them; names without a tag are always used. Default: `en`, `mul`,
    /// `zh`, `zh-hans`, `zh-hant`, `de`.
    pub languages: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect();
        Self {
            endpoint: None,
            graph: None,
            token: None,
            user: None,
            password: None,
            timeout_s: 10,
            max_rows: 20_000,
            cache_entries: 20_000,
            cache_s: 300,
            schema_s: 600,
            label_predicates: list(&[
                "http://www.w3.org/2000/01/rdf-schema#label",
                "http://www.w3.org/2004/02/skos/core#prefLabel",
                "http://schema.org/name",
                "https://schema.org/name",
            ]),
            alias_predicates: list(&[
                "http://www.w3.org/2004/02/skos/core#altLabel",
                "http://schema.org/alternateName",
                "https://schema.org/alternateName",
            ]),
            description_predicates: list(&[
                "http://schema.org/description",
                "http://purl.org/dc/terms/description",
            ]),
            languages: list(&["en", "mul", "zh", "zh-hans", "zh-hant", "de"]),
        }
    }
}

fn redacted<S: Serializer>(_: &Option<SecretString>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("[redacted]")
}

/// The `sparql` table with every key at its default, as TOML.
pub fn sample() -> &'static str {
    r#"# A SPARQL 1.1 endpoint in place of the local store. Without an address, the store is used.
[sparql]
# endpoint = "http://127.0.0.1:7878/query"
# The IRI of the named graph to read; without it, the endpoint's default graph.
# graph = "http://example.com/graph"
# A token (Bearer), or a user and password (Basic).
# token = "a long random text"
# user = "loquat"
# password = "a long random text"
# The longest that one query may take, in seconds, and the most rows of its answer.
timeout_s = 10
max_rows = 20000
# How many names, descriptions and entities' facts are remembered, of each kind, and for how long; 0 seconds remembers nothing.
cache_entries = 20000
cache_s = 300
# How often the predicates are read anew, in seconds.
schema_s = 600
# Predicates of preferred names, of further names, and of what a thing is in a few words.
label_predicates = ["http://www.w3.org/2000/01/rdf-schema#label", "http://www.w3.org/2004/02/skos/core#prefLabel", "http://schema.org/name", "https://schema.org/name"]
alias_predicates = ["http://www.w3.org/2004/02/skos/core#altLabel", "http://schema.org/alternateName", "https://schema.org/alternateName"]
description_predicates = ["http://schema.org/description", "http://purl.org/dc/terms/description"]
# The language tags of names, as the endpoint writes them; names without a tag are always used.
languages = ["en", "mul", "zh", "zh-hans", "zh-hant", "de"]
"#
}

#[cfg(test)]
mod tests {
    use super::{Config, sample};

    #[test]
    fn the_sample_is_the_default() {
        let value: toml::Value = toml::from_str(sample()).unwrap();
        let config: Config = value["sparql"].clone().try_into().unwrap();
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn secrets_are_printed_nowhere() {
        let config: Config = toml::from_str("token = 'hush'\npassword = 'hush'").unwrap();
        let printed = format!("{config:?} {}", toml::to_string(&config).unwrap());
        assert!(!printed.contains("hush") && printed.contains("[redacted]"), "{printed}");
    }
}
