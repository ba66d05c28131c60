//! What linking and dialogue both have to know of scripts. In: characters. Out: their script's properties and plain form. Knows no
//! language's words.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

/// Whether the character is Han: a Chinese character, also as Japanese uses it.
pub fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// The simplified form of a traditional character, by OpenCC's first choice; any other character as it is.
pub fn simplified(c: char) -> char {
    static TABLE: OnceLock<FxHashMap<char, char>> = OnceLock::new();
    if !is_han(c) {
        return c;
    }
    let table = TABLE.get_or_init(|| {
        let lines =
            include_str!("../data/traditional-simplified.tsv").lines().filter(|line| !line.starts_with('#'));
        let pair = |line: &str| {
            let (from, to) = line.split_once('\t')?;
            Some((from.chars().next()?, to.chars().next()?))
        };
        lines.filter_map(pair).collect()
    });
    table.get(&c).copied().unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traditional_characters_become_simplified_and_others_stay() {
        let folded: String = "臺灣的貨幣 GDP 不丹".chars().map(simplified).collect();
        assert_eq!(folded, "台湾的货币 GDP 不丹");
        assert!(is_han('㐀') && !is_han('あ') && !is_han('a'));
    }
}
