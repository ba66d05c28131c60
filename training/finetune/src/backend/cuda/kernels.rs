//! The kernels' sources. In: nothing. Out: what a compiler for the device is given, one text a module.
//!
//! They are compiled on the machine that runs them, for the GPU that is there; nothing of CUDA's toolkit is needed to build this crate.

const NUMBERS: &str = include_str!("kernels/numbers.cuh");

/// Kernels that are compiled together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Module {
    /// Rows of tables.
    Embedding,
    /// Root mean square norm.
    Norm,
    /// What each element does alone.
    Elementwise,
    /// Sums over rows, and over all.
    Sums,
    /// Cross-entropy.
    Loss,
    /// AdamW.
    Optimise,
    /// Attention for any head.
    Attention,
    /// Attention on tensor cores, for heads of so many numbers.
    Flash(usize),
}

impl Module {
    /// All of them, with those heads for tensor cores that models have.
    #[cfg(test)]
    pub(super) const ALL: [Self; 11] = [
        Self::Embedding,
        Self::Norm,
        Self::Elementwise,
        Self::Sums,
        Self::Loss,
        Self::Optimise,
        Self::Attention,
        Self::Flash(16),
        Self::Flash(64),
        Self::Flash(96),
        Self::Flash(128),
    ];

    /// The module with attention on tensor cores for heads of `dimension` numbers, where there is one.
    pub(super) fn flash(dimension: usize) -> Option<Self> {
        (dimension.is_multiple_of(16) && (16..=128).contains(&dimension)).then_some(Self::Flash(dimension))
    }

    /// Its name in a compiler's messages.
    pub(super) fn name(self) -> String {
        match self {
            Self::Embedding => "embedding.cu".to_owned(),
            Self::Norm => "norm.cu".to_owned(),
            Self::Elementwise => "elementwise.cu".to_owned(),
            Self::Sums => "sums.cu".to_owned(),
            Self::Loss => "loss.cu".to_owned(),
            Self::Optimise => "optimise.cu".to_owned(),
            Self::Attention => "attention.cu".to_owned(),
            Self::Flash(dimension) => format!("flash.cu with heads of {dimension}"),
        }
    }

    /// All of its text, in CUDA C++ without any header.
    pub(super) fn source(self) -> String {
        let (before, text) = match self {
            Self::Embedding => (String::new(), include_str!("kernels/embedding.cu")),
            Self::Norm => (String::new(), include_str!("kernels/norm.cu")),
            Self::Elementwise => (String::new(), include_str!("kernels/elementwise.cu")),
            Self::Sums => (String::new(), include_str!("kernels/sums.cu")),
            Self::Loss => (String::new(), include_str!("kernels/loss.cu")),
            Self::Optimise => (String::new(), include_str!("kernels/optimise.cu")),
            Self::Attention => (String::new(), include_str!("kernels/attention.cu")),
            Self::Flash(dimension) => {
                (format!("#define HEAD {dimension}\n"), include_str!("kernels/flash.cu"))
            }
        };
        format!("{before}{NUMBERS}{text}")
    }
}
