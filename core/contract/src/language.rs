//! A language tag. In: a BCP 47 tag from a config, a graph literal or a detector. Out: a normalised, comparable key.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A BCP 47 language tag in lower case, such as `en`, `zh` or `zh-hans`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// Lower-cases the tag and joins its subtags with `-`.
    pub fn new(tag: impl AsRef<str>) -> Self {
        Self(tag.as_ref().trim().replace('_', "-").to_ascii_lowercase())
    }

    /// English.
    pub fn english() -> Self {
        Self::new("en")
    }

    /// Chinese, script not stated.
    pub fn chinese() -> Self {
        Self::new("zh")
    }

    /// The whole tag, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first subtag: `zh` of `zh-hans`.
    pub fn primary(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Whether both name the same language, whatever script or region they add.
    pub fn matches(&self, other: &Language) -> bool {
        self.primary() == other.primary()
    }

    /// Whether the language is written without spaces between words (Chinese, Japanese, Thai).
    pub fn is_unspaced(&self) -> bool {
        matches!(self.primary(), "zh" | "ja" | "th")
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<String> for Language {
    fn from(tag: String) -> Self {
        Self::new(tag)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

#[cfg(test)]
mod tests {
    use super::Language;

    #[test]
    fn tags_compare_by_primary_subtag() {
        let simplified = Language::new("zh_Hans");
        assert_eq!(simplified.as_str(), "zh-hans");
        assert!(simplified.matches(&Language::chinese()));
        assert!(!simplified.matches(&Language::english()));
        assert!(simplified.is_unspaced());
    }
}
