//! Chinese words of grammar. In: a stretch of a message. Out: whether it would split one of them. Knows no names.

use std::ops::Range;

use super::fold::is_unspaced;

/// Words of questions and grammar that stand without spaces beside names, in both scripts.
const WORDS: [&str; 72] = [
    "什么",
    "什麼",
    "甚么",
    "甚麼",
    "怎么",
    "怎麼",
    "怎样",
    "怎樣",
    "为什么",
    "為什麼",
    "多少",
    "哪里",
    "哪裡",
    "哪儿",
    "哪个",
    "哪個",
    "哪些",
    "哪位",
    "哪国",
    "哪國",
    "请问",
    "請問",
    "知道",
    "告诉",
    "告訴",
    "有没有",
    "有沒有",
    "是不是",
    "可以",
    "可能",
    "已经",
    "已經",
    "因为",
    "因為",
    "所以",
    "但是",
    "如果",
    "或者",
    "还是",
    "還是",
    "以及",
    "关于",
    "關於",
    "他们",
    "他們",
    "她们",
    "她們",
    "我们",
    "我們",
    "你们",
    "你們",
    "自己",
    "这个",
    "這個",
    "那个",
    "那個",
    "这些",
    "這些",
    "那些",
    "没有",
    "沒有",
    "不是",
    "就是",
    "位于",
    "位於",
    "属于",
    "屬於",
    "叫做",
    "称为",
    "稱為",
    "时候",
    "時候",
];

/// The longest of them, in characters.
const LONGEST: usize = 3;

/// Whether a border of the range lies within one of the words, with the word not wholly within the range.
pub(super) fn splits_word(text: &str, range: &Range<usize>) -> bool {
    [range.start, range.end].into_iter().any(|border| {
        let before: Vec<usize> = text[..border]
            .char_indices()
            .rev()
            .take(LONGEST - 1)
            .take_while(|(_, c)| is_unspaced(*c))
            .map(|(at, _)| at)
            .collect();
        before.iter().any(|start| {
            WORDS.iter().any(|word| {
                let end = start + word.len();
                text[*start..].starts_with(word)
                    && end > border
                    && !(range.start <= *start && end <= range.end)
            })
        })
    })
}

/// Single characters of grammar that stand after a name, and before one.
const AFTER: &str = "的是在有和与與或跟同及叫了吗嗎呢吧啊的之于於为為属屬位从從到被把对對由由来來离離能会會要都也又就还還哪谁誰几幾怎何多什最";
const BEFORE: &str = "的是在有和与與或跟同及叫了从從到被把对對由于於为為离離去向问問像让讓给給说說看";

/// Pronouns and the like, which as single characters name nothing either.
const PRONOUNS: &str = "你我他她它您谁誰这這那不没沒";

/// Whether the text is a single character of grammar.
pub(super) fn is_grammar(text: &str) -> bool {
    [AFTER, BEFORE, PRONOUNS].iter().any(|words| words.contains(text))
}

/// A side of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// Whether a word of grammar stands at that side of the border, so that a name may well begin or end there.
pub(super) fn parts_words(text: &str, border: usize, side: Side) -> bool {
    let (before, after) = text.split_at(border);
    match side {
        Side::Before => {
            before.ends_with(|c| BEFORE.contains(c)) || WORDS.iter().any(|word| before.ends_with(word))
        }
        Side::After => {
            after.starts_with(|c| AFTER.contains(c)) || WORDS.iter().any(|word| after.starts_with(word))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::splits_word;

    #[test]
    fn a_name_does_not_take_half_of_a_word() {
        let text = "他知道什么";
        let range = |part: &str| text.find(part).map(|at| at..at + part.len()).unwrap();
        assert!(splits_word(text, &range("道什")));
        assert!(splits_word(text, &range("他知")));
        assert!(!splits_word(text, &range("知道")));
        assert!(!splits_word(text, &range("他")));
    }
}
