//! An embedder without a model. In: texts. Out: counts of their hashed character trigrams, the same on every machine.

use crate::{BoxFuture, ModelError, ModelIdentity, TextEmbedder, normalised};

/// Texts that share trigrams are near each other; meaning plays no part.
#[derive(Debug)]
pub struct HashedEmbedder {
    identity: ModelIdentity,
    dimension: usize,
}

impl Default for HashedEmbedder {
    fn default() -> Self {
        Self::new(256)
    }
}

impl HashedEmbedder {
    /// Vectors of so many numbers, at least one.
    pub fn new(dimension: usize) -> Self {
        let identity = ModelIdentity { name: "hashed".to_owned(), sha256: "0".repeat(64) };
        Self { identity, dimension: dimension.max(1) }
    }

    fn vector(&self, text: &str) -> Vec<f32> {
        let padded: Vec<char> = format!("  {} ", text.to_lowercase()).chars().collect();
        let mut counts = vec![0.0; self.dimension];
        for trigram in padded.windows(3) {
            // FNV-1a (Fowler, Noll and Vo), 32 bits.
            let hash =
                trigram.iter().fold(0x811c_9dc5_u32, |hash, &c| (hash ^ c as u32).wrapping_mul(16_777_619));
            counts[hash as usize % self.dimension] += 1.0;
        }
        normalised(counts)
    }
}

impl TextEmbedder for HashedEmbedder {
    fn identity(&self) -> &ModelIdentity {
        &self.identity
    }

    fn dimension(&self) -> usize {
        self.dimension
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vec<Vec<f32>>, ModelError>> {
        Box::pin(async move { Ok(texts.iter().map(|text| self.vector(text)).collect()) })
    }
}

#[cfg(test)]
mod tests {
    use super::HashedEmbedder;
    use crate::TextEmbedder;

    #[tokio::test]
    async fn like_texts_are_near_and_vectors_have_length_one() {
        let embedder = HashedEmbedder::default();
        let texts = ["place of birth", "birthplace", "record label", ""].map(str::to_owned);
        let vectors = embedder.embed(&texts).await.unwrap();
        let dot = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum::<f32>();
        assert!((dot(0, 0) - 1.0).abs() < 1e-5);
        assert!(dot(0, 1) > dot(0, 2));
        assert!(vectors.iter().all(|vector| vector.len() == embedder.dimension()));
    }
}
