//! Texts as vectors. In: texts. Out: vectors whose cosine says how near the texts are in meaning. Says nothing of ONNX.

use crate::{BoxFuture, Language, ModelError, ModelIdentity};

/// A sentence embedding model (Reimers and Gurevych 2019).
///
/// To implement it: say which model it is ([`identity`](TextEmbedder::identity)) and how long its vectors are
/// ([`dimension`](TextEmbedder::dimension)), and turn texts into vectors ([`embed`](TextEmbedder::embed)).
/// `testing::HashedEmbedder` is the smallest complete example.
pub trait TextEmbedder: Send + Sync {
    /// Name and hash: vectors of another identity must not be compared with these.
    fn identity(&self) -> &ModelIdentity;

    /// Numbers in a vector.
    fn dimension(&self) -> usize;

    /// One vector a text, in their order, each of [`dimension`](TextEmbedder::dimension) numbers and of length 1: the cosine
    /// of two is their dot product.
    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>>;

    /// How many tokens of `texts` it reads, those that it adds itself included; `None` where it does not say.
    fn count(&self, texts: &[String]) -> Option<usize> {
        let _ = texts;
        None
    }

    /// Whether it was made for texts in `language`. Any, unless it says otherwise.
    fn speaks(&self, _language: &Language) -> bool {
        true
    }
}

/// `vector` divided by its length (L2); zeros stay zeros.
pub fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x /= length);
    }
    vector
}
