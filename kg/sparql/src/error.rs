//! Why an endpoint could not be read. In: failures of the network, the endpoint and the config. Out: what to do next.

use loquat_contract::KnowledgeError;
use sparesults::QueryResultsParseError;

/// A failure of the endpoint. Addresses are shown without their query, and no secret is shown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SparqlError {
    /// The config has no address, or one that cannot be asked.
    #[error("the endpoint's address {address:?} cannot be used: {reason}; correct `graph.sparql.endpoint`")]
    Address {
        /// As in the config, without what could be secret.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The config has a value that cannot stand in a query.
    #[error("{value:?} cannot be used ({reason}); correct `graph.sparql.{key}`")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing answers.
    #[error("{endpoint} cannot be reached ({source}); start it, or correct `graph.sparql.endpoint`")]
    Unreachable {
        /// The address.
        endpoint: String,
        /// What the client says.
        #[source]
        source: Box<ureq::Error>,
    },
    /// It took too long.
    #[error(
        "{endpoint} did not answer within {seconds} s; look at its load, or raise `graph.sparql.timeout_s`"
    )]
    Slow {
        /// The address.
        endpoint: String,
        /// The limit.
        seconds: u64,
    },
    /// It wants to know who asks.
    #[error(
        "{endpoint} refuses the query (status {status}); set `graph.sparql.token`, or `graph.sparql.user` and \
         `graph.sparql.password`"
    )]
    Refused {
        /// The address.
        endpoint: String,
        /// 401 or 403.
        status: u16,
    },
    /// It lies elsewhere. Redirects are not followed: the query would be lost, and a secret would go to strangers.
    #[error(
        "{endpoint} redirects to {to}; set `graph.sparql.endpoint` to the address that answers by itself"
    )]
    Moved {
        /// The address.
        endpoint: String,
        /// Where it points.
        to: String,
    },
    /// It answered with an error.
    #[error(
        "{endpoint} answered with status {status}: {says}; look at its log, and whether it takes SPARQL 1.1 queries"
    )]
    Failed {
        /// The address.
        endpoint: String,
        /// The status.
        status: u16,
        /// The beginning of its answer.
        says: String,
    },
    /// It answered with something else, or stopped half-way.
    #[error(
        "{endpoint} did not answer with whole SPARQL results in JSON ({source}); check that `graph.sparql.endpoint` is \
         the address for queries, and look at the endpoint's log"
    )]
    NotResults {
        /// The address.
        endpoint: String,
        /// What the parser says.
        #[source]
        source: Box<QueryResultsParseError>,
    },
    /// Its answer is larger than allowed.
    #[error("{endpoint} answered with more than {limit}; raise `graph.sparql.max_rows` if that is right")]
    TooLarge {
        /// The address.
        endpoint: String,
        /// Rows or bytes.
        limit: String,
    },
    /// It failed several times just now and is left alone for a while.
    #[error("{endpoint} failed before and is asked again in {seconds} s; the last failure: {last}")]
    Resting {
        /// The address.
        endpoint: String,
        /// Until it is asked again.
        seconds: u64,
        /// What it was.
        last: String,
    },
    /// The program is ending.
    #[error("the query was given up because the program ends; ask again after the next start")]
    Stopped,
}

impl SparqlError {
    /// Whether the endpoint as a whole is in trouble, rather than this query.
    pub(crate) fn is_outage(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Slow { .. } => true,
            Self::Failed { status, .. } => *status >= 500 || *status == 429,
            _ => false,
        }
    }
}

impl From<SparqlError> for KnowledgeError {
    fn from(error: SparqlError) -> Self {
        Self::Store(Box::new(error))
    }
}
