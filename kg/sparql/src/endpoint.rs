//! One query to the endpoint. In: SPARQL. Out: rows, within limits of time, rows and bytes, or an error that says what to do. Blocks.

use std::io::{self, Read};
use std::time::{Duration, Instant};

use backon::{BlockingRetryable, ExponentialBuilder};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sparesults::{
    QueryResultsFormat, QueryResultsParseError, QueryResultsParser, QuerySolution,
    ReaderQueryResultsParserOutput,
};
use ureq::Agent;
use ureq::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, LOCATION};
use ureq::http::{Response, Uri};

use crate::circuit::Circuit;
use crate::{Config, SparqlError};

/// The most bytes of an answer.
const BYTES: u64 = 64 << 20;

/// The most of an error's text that is shown, in characters.
const SHOWN: usize = 300;

/// The pause before a query is sent again over a connection that broke.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// An address that answers queries.
pub(crate) struct Endpoint {
    agent: Agent,
    uri: Uri,
    /// The address as it may be shown: without its query.
    shown: String,
    authorization: Option<SecretString>,
    timeout_s: u64,
    max_rows: usize,
    circuit: Circuit,
}

impl Endpoint {
    pub(crate) fn new(config: &Config) -> Result<Self, SparqlError> {
        let address = config.endpoint.as_deref().unwrap_or_default().trim();
        let shown = shown(address);
        let bad = |reason: &str| SparqlError::Address { address: shown.clone(), reason: reason.to_owned() };
        let uri: Uri = address.parse().map_err(|error| bad(&format!("{error}")))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(bad("it does not begin with http:// or https://"));
        }
        let authority = uri.authority().ok_or_else(|| bad("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(bad(
                "it holds a password; set `graph.sparql.user` and `graph.sparql.password` instead",
            ));
        }
        let authorization = match (&config.token, &config.user, &config.password) {
            (Some(token), _, _) => Some(format!("Bearer {}", token.expose_secret())),
            (None, Some(user), password) => {
                let password = password.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
                Some(format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}"))))
            }
            (None, None, _) => None,
        };
        if authorization.as_ref().is_some_and(|value| value.chars().any(|c| c.is_control() || !c.is_ascii()))
        {
            return Err(SparqlError::Value {
                key: "token",
                value: "[redacted]".to_owned(),
                reason: "it has characters that no header may have".to_owned(),
            });
        }
        let timeout_s = config.timeout_s.max(1);
        let agent = Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(timeout_s)))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("loquat-sparql/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let authorization = authorization.map(SecretString::from);
        let max_rows = config.max_rows.max(1);
        Ok(Self { agent, uri, shown, authorization, timeout_s, max_rows, circuit: Circuit::default() })
    }

    /// The address as it may be shown.
    pub(crate) fn shown(&self) -> &str {
        &self.shown
    }

    /// Asks, and reads each row; rows that `read` has no use for are left out.
    pub(crate) fn select<T>(
        &self,
        query: &str,
        read: impl FnMut(&QuerySolution) -> Option<T>,
    ) -> Result<Vec<T>, SparqlError> {
        if let Err((wait, last)) = self.circuit.admit(Instant::now()) {
            let seconds = wait.as_secs() + 1;
            return Err(SparqlError::Resting { endpoint: self.shown.clone(), seconds, last });
        }
        let answer = self.ask(query).and_then(|response| self.rows(response, read));
        match &answer {
            Err(error) if error.is_outage() => self.circuit.failed(Instant::now(), &error.to_string()),
            _ => self.circuit.worked(),
        }
        answer
    }

    /// Sends the query, and once more where the connection broke before an answer: a kept one may be dead.
    fn ask(&self, query: &str) -> Result<Response<ureq::Body>, SparqlError> {
        let send = || {
            let mut request = self.agent.post(&self.uri).header(CONTENT_TYPE, "application/sparql-query");
            request = request.header(ACCEPT, "application/sparql-results+json");
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization.expose_secret());
            }
            request.send(query)
        };
        let broke = |error: &ureq::Error| {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            let kinds = [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof];
            matches!(error, ureq::Error::Io(error) if kinds.contains(&error.kind()))
        };
        let pauses =
            ExponentialBuilder::default().with_min_delay(AGAIN_AFTER).with_max_times(1).with_jitter();
        send.retry(pauses).when(broke).call().map_err(|error| self.trouble(error))
    }

    fn rows<T>(
        &self,
        response: Response<ureq::Body>,
        mut read: impl FnMut(&QuerySolution) -> Option<T>,
    ) -> Result<Vec<T>, SparqlError> {
        let endpoint = || self.shown.clone();
        let status = response.status();
        if status.is_redirection() {
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or("nowhere");
            return Err(SparqlError::Moved { endpoint: endpoint(), to: shown(to) });
        }
        if matches!(status.as_u16(), 401 | 403) {
            return Err(SparqlError::Refused { endpoint: endpoint(), status: status.as_u16() });
        }
        if !status.is_success() {
            let mut says = Vec::new();
            let _unread = response.into_body().into_reader().take(4096).read_to_end(&mut says);
            let says = self.without_secrets(&String::from_utf8_lossy(&says));
            return Err(SparqlError::Failed { endpoint: endpoint(), status: status.as_u16(), says });
        }
        let reader = response.into_body().into_with_config().limit(BYTES).reader();
        let parser = QueryResultsParser::from_format(QueryResultsFormat::Json);
        let unreadable = |error: QueryResultsParseError| self.unreadable(error);
        let ReaderQueryResultsParserOutput::Solutions(solutions) =
            parser.for_reader(reader).map_err(unreadable)?
        else {
            return Ok(Vec::new());
        };
        let mut rows = Vec::new();
        for (number, solution) in solutions.enumerate() {
            if number >= self.max_rows {
                let limit = format!("{} rows", self.max_rows);
                return Err(SparqlError::TooLarge { endpoint: endpoint(), limit });
            }
            rows.extend(read(&solution.map_err(unreadable)?));
        }
        Ok(rows)
    }

    /// Why there is no answer.
    fn trouble(&self, error: ureq::Error) -> SparqlError {
        let endpoint = self.shown.clone();
        match error {
            ureq::Error::Timeout(_) => SparqlError::Slow { endpoint, seconds: self.timeout_s },
            source => SparqlError::Unreachable { endpoint, source: Box::new(source) },
        }
    }

    /// Why an answer ends before its end.
    fn unreadable(&self, error: QueryResultsParseError) -> SparqlError {
        let endpoint = self.shown.clone();
        match error {
            QueryResultsParseError::Io(error) => match ureq::Error::from(error) {
                ureq::Error::Timeout(_) => SparqlError::Slow { endpoint, seconds: self.timeout_s },
                ureq::Error::BodyExceedsLimit(bytes) => {
                    SparqlError::TooLarge { endpoint, limit: format!("{} MB", bytes >> 20) }
                }
                error => SparqlError::NotResults { endpoint, source: Box::new(error.into_io().into()) },
            },
            source => SparqlError::NotResults { endpoint, source: Box::new(source) },
        }
    }

    /// An error's text on one line, shortened, without what was sent to prove who asks.
    fn without_secrets(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(authorization) = &self.authorization {
            let secret = authorization.expose_secret();
            for part in
                std::iter::once(secret).chain(secret.split(' ').skip(1)).filter(|part| !part.is_empty())
            {
                text = text.replace(part, "[redacted]");
            }
        }
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect()
    }
}

/// An address without what could be secret: user, password and query.
fn shown(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => address.rsplit('@').next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, shown};
    use crate::Config;

    #[test]
    fn addresses_are_shown_without_secrets() {
        assert_eq!(shown("https://me:hush@example.com/query?key=hush"), "https://example.com/query");
        assert_eq!(shown("me:hush@example.com"), "example.com");
        assert_eq!(shown("http://example.com"), "http://example.com");
    }

    #[test]
    fn addresses_that_cannot_be_asked_are_refused() {
        for address in
            ["", "example.com/query", "ftp://example.com", "http://me:hush@example.com/", "http://"]
        {
            let config = Config { endpoint: Some(address.into()), ..Config::default() };
            let error = Endpoint::new(&config).err().map(|error| error.to_string());
            let error = error.unwrap_or_else(|| panic!("{address} is taken"));
            assert!(error.contains("graph.sparql.endpoint") && !error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn what_the_endpoint_echoes_is_shown_without_secrets() {
        let endpoint = Some("http://127.0.0.1:1/".to_owned());
        let (user, password) = (Some("me".to_owned()), Some("hush".into()));
        let config = Config { endpoint, user, password, ..Config::default() };
        let endpoint = Endpoint::new(&config).unwrap();
        let said = endpoint.without_secrets("no\n access: Basic bWU6aHVzaA== ");
        assert_eq!(said, "no access: [redacted]");
    }
}
