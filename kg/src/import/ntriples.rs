//! N-Triples. In: lines. Out: one triple a line.

use oxttl::NTriplesParser;

use super::triple::understand;
use super::{BadLine, Reader, Sink};
use crate::GraphError;

pub(super) struct NTriples;

impl Reader for NTriples {
    fn line(&mut self, number: u64, line: &str, sink: &mut Sink<'_>) -> Result<(), GraphError> {
        let text = line.trim_start();
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        for triple in NTriplesParser::new().for_slice(line) {
            let meaning = match triple {
                Ok(triple) => understand(triple).map_err(|refusal| refusal.reason),
                Err(error) => Err(error.message().to_owned()),
            };
            let bad = meaning.is_err();
            sink(meaning.map_err(|reason| BadLine { line: number, reason }))?;
            if bad {
                break;
            }
        }
        Ok(())
    }

    fn finish(&mut self, _sink: &mut Sink<'_>) -> Result<(), GraphError> {
        Ok(())
    }
}
