//! The element types of ggml: number, name, block shape. Knows nothing of how a block is decoded.

use std::fmt;

/// How a tensor's elements are stored. Holds ggml's number, so that a file with a type that cannot be decoded can
/// still be inspected and named.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorKind(pub(crate) u32);

/// The types that can be dequantised, for messages.
pub const SUPPORTED_KINDS: &str =
    "F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS";

impl TensorKind {
    pub(crate) const F32: Self = Self(0);
    pub(crate) const F16: Self = Self(1);
    pub(crate) const Q4_0: Self = Self(2);
    pub(crate) const Q4_1: Self = Self(3);
    pub(crate) const Q5_0: Self = Self(6);
    pub(crate) const Q5_1: Self = Self(7);
    pub(crate) const Q8_0: Self = Self(8);
    pub(crate) const Q2_K: Self = Self(10);
    pub(crate) const Q3_K: Self = Self(11);
    pub(crate) const Q4_K: Self = Self(12);
    pub(crate) const Q5_K: Self = Self(13);
    pub(crate) const Q6_K: Self = Self(14);
    pub(crate) const IQ4_NL: Self = Self(20);
    pub(crate) const IQ4_XS: Self = Self(23);
    pub(crate) const BF16: Self = Self(30);

    /// Name, elements in a block, bytes in a block: the table `GGML_QUANT_SIZES` of ggml.
    fn layout(self) -> Option<(&'static str, usize, usize)> {
        Some(match self.0 {
            0 => ("F32", 1, 4),
            1 => ("F16", 1, 2),
            2 => ("Q4_0", 32, 18),
            3 => ("Q4_1", 32, 20),
            6 => ("Q5_0", 32, 22),
            7 => ("Q5_1", 32, 24),
            8 => ("Q8_0", 32, 34),
            9 => ("Q8_1", 32, 40),
            10 => ("Q2_K", 256, 84),
            11 => ("Q3_K", 256, 110),
            12 => ("Q4_K", 256, 144),
            13 => ("Q5_K", 256, 176),
            14 => ("Q6_K", 256, 210),
            15 => ("Q8_K", 256, 292),
            16 => ("IQ2_XXS", 256, 66),
            17 => ("IQ2_XS", 256, 74),
            18 => ("IQ3_XXS", 256, 98),
            19 => ("IQ1_S", 256, 50),
            20 => ("IQ4_NL", 32, 18),
            21 => ("IQ3_S", 256, 110),
            22 => ("IQ2_S", 256, 82),
            23 => ("IQ4_XS", 256, 136),
            24 => ("I8", 1, 1),
            25 => ("I16", 1, 2),
            26 => ("I32", 1, 4),
            27 => ("I64", 1, 8),
            28 => ("F64", 1, 8),
            29 => ("IQ1_M", 256, 56),
            30 => ("BF16", 1, 2),
            34 => ("TQ1_0", 256, 54),
            35 => ("TQ2_0", 256, 66),
            39 => ("MXFP4", 32, 17),
            _ => return None,
        })
    }

    /// Whether [`crate::gguf::TensorData::row`] can decode it.
    #[must_use]
    pub fn is_supported(self) -> bool {
        let supported = [
            Self::F32,
            Self::F16,
            Self::BF16,
            Self::Q4_0,
            Self::Q4_1,
            Self::Q5_0,
            Self::Q5_1,
            Self::Q8_0,
            Self::Q2_K,
            Self::Q3_K,
            Self::Q4_K,
            Self::Q5_K,
            Self::Q6_K,
            Self::IQ4_NL,
            Self::IQ4_XS,
        ];
        supported.contains(&self)
    }

    /// Elements in a block; 1 for types that have none, and for unknown ones.
    #[must_use]
    pub fn block_elements(self) -> usize {
        self.layout().map_or(1, |(_, elements, _)| elements)
    }

    /// Bytes of a row of `columns` elements; 0 for an unknown type.
    pub(crate) fn row_bytes(self, columns: usize) -> usize {
        self.layout().map_or(0, |(_, elements, bytes)| columns / elements * bytes)
    }

    /// Whether the type's layout is known at all.
    pub(crate) fn is_known(self) -> bool {
        self.layout().is_some()
    }
}

impl fmt::Display for TensorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.layout() {
            Some((name, ..)) => f.write_str(name),
            None => write!(f, "ggml type {}", self.0),
        }
    }
}

impl fmt::Debug for TensorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
