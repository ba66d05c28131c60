//! Nicks and channels, and when two of them are the same. In: names as they stand in lines. Out: names in lower case. Knows no
//! connection.

/// Which letters a server takes for the same (`CASEMAPPING` of RPL_ISUPPORT).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum CaseMapping {
    /// ASCII, and `[]\~` are the upper case of `{}|^`: RFC 1459, section 2.2.
    #[default]
    Rfc1459,
    /// The same without `~` and `^`.
    StrictRfc1459,
    /// ASCII alone. Taken for mappings that are not known too: it never makes two people one.
    Ascii,
}

impl CaseMapping {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "rfc1459" => Self::Rfc1459,
            "rfc1459-strict" | "strict-rfc1459" => Self::StrictRfc1459,
            _ => Self::Ascii,
        }
    }

    pub(crate) fn lower(self, name: &str) -> String {
        let lower = |c: char| match (self, c) {
            (Self::Rfc1459 | Self::StrictRfc1459, '[') => '{',
            (Self::Rfc1459 | Self::StrictRfc1459, ']') => '}',
            (Self::Rfc1459 | Self::StrictRfc1459, '\\') => '|',
            (Self::Rfc1459, '~') => '^',
            _ => c.to_ascii_lowercase(),
        };
        name.chars().map(lower).collect()
    }

    pub(crate) fn same(self, one: &str, other: &str) -> bool {
        self.lower(one) == self.lower(other)
    }
}

/// How the ids of people and of private conversations begin where the person is logged in.
pub(crate) const ACCOUNT: &str = "account/";
/// How they begin where the nick has a `/`, and would pass for an account.
pub(crate) const BARE: &str = "nick/";

/// Whether this names a channel (RFC 2811, section 2.1); no nick begins like that.
pub(crate) fn is_channel(name: &str) -> bool {
    name.starts_with(['#', '&', '+', '!'])
}
