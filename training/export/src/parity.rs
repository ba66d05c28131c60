//! Whether two models compute the same. In: the logits of both at the same places of a text. Out: how far apart they are. It must not
//! know what either of them runs on.

/// How far apart two models are at the same places of the same text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Difference {
    /// The largest absolute difference of a logit.
    pub largest: f64,
    /// The sum of the squares of the reference's logits, and how many there were.
    squares: f64,
    logits: u64,
    /// Places at which the likeliest next token is the same.
    pub same: usize,
    /// Places.
    pub places: usize,
    /// The cross-entropy of the tokens that follow, in nats, of the model and of the reference, and how many followed.
    nats: [f64; 2],
    followed: usize,
}

impl Difference {
    /// Adds a place, which `next` follows in the text, where something does. Where one has more logits, those beyond are padding and are left
    /// out.
    pub fn add(&mut self, found: &[f32], reference: &[f32], next: Option<u32>) {
        let width = found.len().min(reference.len());
        let (found, reference) = (&found[..width], &reference[..width]);
        for (found, reference) in found.iter().zip(reference) {
            let difference = f64::from((found - reference).abs());
            // What is not a number differs by more than anything.
            if difference.is_nan() || difference > self.largest {
                self.largest = if difference.is_nan() { f64::INFINITY } else { difference };
            }
            self.squares += f64::from(*reference).powi(2);
        }
        self.logits += width as u64;
        self.same += usize::from(likeliest(found) == likeliest(reference));
        self.places += 1;
        if let Some(next) = next.map(|next| next as usize).filter(|next| *next < width) {
            self.nats[0] += surprise(found, next);
            self.nats[1] += surprise(reference, next);
            self.followed += 1;
        }
    }

    /// The perplexity of the text, of the model and of the reference; not a number where nothing followed.
    pub fn perplexities(&self) -> [f64; 2] {
        self.nats.map(|nats| (nats / self.followed as f64).exp())
    }

    /// The largest absolute difference, in units of the root mean square of the reference's logits.
    pub fn relative(&self) -> f64 {
        if self.largest == 0.0 {
            return 0.0;
        }
        self.largest / (self.squares / self.logits as f64).sqrt()
    }

    /// The share of places at which the likeliest next token is the same.
    pub fn share_same(&self) -> f64 {
        self.same as f64 / self.places as f64
    }
}

/// The negative logarithm of the probability of a token, in nats.
fn surprise(logits: &[f32], token: usize) -> f64 {
    let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum = logits.iter().map(|logit| (f64::from(*logit) - highest).exp()).sum::<f64>();
    highest + sum.ln() - f64::from(logits[token])
}

fn likeliest(logits: &[f32]) -> Option<usize> {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::Difference;

    #[test]
    fn a_difference_is_the_largest_over_the_root_mean_square() {
        let mut difference = Difference::default();
        difference.add(&[3.0, -4.0, 0.0], &[3.0, -4.0, 0.5], None);
        assert_eq!((difference.largest, difference.same, difference.places), (0.5, 1, 1));
        let rms = ((9.0 + 16.0 + 0.25) / 3.0f64).sqrt();
        assert!((difference.relative() - 0.5 / rms).abs() < 1e-9);
        // Padding of the vocabulary is left out; another likeliest token is seen.
        difference.add(&[1.0, 2.0, 0.0, 99.0], &[2.0, 1.0, 0.0], None);
        assert_eq!((difference.largest, difference.share_same()), (1.0, 0.5));
    }

    #[test]
    fn what_is_no_number_is_as_far_as_can_be() {
        let mut difference = Difference::default();
        difference.add(&[1.0, f32::NAN], &[1.0, 2.0], None);
        difference.add(&[1.0, 2.0], &[1.0, 2.0], None);
        assert_eq!(difference.relative(), f64::INFINITY);
        let mut none = Difference::default();
        none.add(&[0.0, 0.0], &[0.0, 0.0], None);
        assert_eq!(none.relative(), 0.0);
    }

    #[test]
    fn perplexity_is_that_of_the_tokens_that_follow() {
        let mut difference = Difference::default();
        difference.add(&[0.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.0, 9.0], Some(1));
        difference.add(&[5.0, 5.0, 5.0, 5.0], &[1.0, 1.0, 1.0, 1.0], Some(3));
        difference.add(&[9.0, 0.0, 0.0, 0.0], &[0.0, 0.0, 0.0, 0.0], None);
        let [found, reference] = difference.perplexities();
        assert!((found - 4.0).abs() < 1e-9, "four tokens that are as likely: {found}");
        assert!(reference > 100.0, "{reference}");
        assert!(Difference::default().perplexities()[0].is_nan());
    }
}
