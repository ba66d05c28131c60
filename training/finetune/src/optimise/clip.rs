//! Clipping by the global norm.

/// What a gradient is multiplied by so that its norm is at most `limit`: `min(1, limit / (norm + 1e-6))`.
///
/// Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, algorithm 1; the small number is
/// PyTorch's (`clip_grad_norm_`). A limit of 0 lets any norm pass.
pub fn clip_scale(norm: f64, limit: f64) -> f64 {
    if limit > 0.0 { (limit / (norm + 1e-6)).min(1.0) } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::clip_scale;

    #[test]
    fn only_what_is_too_long_is_shortened() {
        assert_eq!(clip_scale(0.5, 1.0), 1.0);
        assert_eq!(clip_scale(0.0, 1.0), 1.0);
        assert_eq!(clip_scale(1e9, 0.0), 1.0);
        for (norm, limit) in [(2.0, 1.0), (1e6, 0.3), (1.0, 1.0)] {
            let clipped = norm * clip_scale(norm, limit);
            assert!(clipped <= limit && clipped > limit * (1.0 - 2e-6), "{norm} {limit} {clipped}");
        }
    }
}
