//! What a text that says that it does not know tells all the same. In: the text, the question, and the facts of the prompt. Out: the first thing
//! that is an answer. Must not know how models are asked.
//!
//! A clause that denies (“I don't know who founded it”) may take up words of any kind; what is said beside it may not. There, a statement
//! (“he is a politician”) or a guess has to be made of the question's words and of those that refusals are made of, and other clauses
//! (“I could tell you more if …”) must not have a word of the facts that the question does not have.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use crate::audit::starts_a_sentence;
use crate::normal::{Word, composed, is_han, says_it_does_not_know, words_of};
use crate::quantity::{Found, agrees, quantities};

/// Words that tell nothing: English grammar, and what refusals and offers of help are made of.
const EMPTY: &str = "a about above again all also although an and another any anything apologies apologise apologize are as asked asking assist at \
    available based be because been before being below beside besides beyond birth birthplace born both but by called can cannot certain \
    clear complete concerning context contain contains could current currently data database date day death definite definitive detail \
    details did didn died do does doing don else entity enough exact exactly fact facts far few find finding first following for found \
    from further further give given gives giving graph had has have having he help her here hers him his how however i if in include \
    included includes indeed information instead is it its itself just kind know knowing knowledge known last least let listed little ll \
    location look looking make matter may me mean mention mentioned mentions might month more most much must my name named names need \
    needed neither no none nor not note nothing now of on once one only or other others our out over own particular perhaps person \
    persons place please possible possibly probably provide provided provides question questions re really record records regarding \
    related relevant respond response s said same say says see several shall she should show shows since so some somebody someone \
    something somewhere sorry source sources specific specifically still such supplied sure t tell tells text than thank thanks that the \
    their them then there therefore these they thing things this those though thus time to together too topic try unfortunately until us \
    used ve very want was way we well were what whatever when where whether which while who whom whose why will wish with within without \
    would write written wrote year yet you your yours answer answers answered ask able accurate afraid aware confirm correct d m maybe \
    however hello hi perhaps regret regrettably rest assistant bot model sentence sentences";
/// Words that deny.
const DENIALS: &str = "not no cannot nothing none neither nor never without unable unknown unclear unsure unavailable unaware missing isn aren \
    wasn weren doesn don didn hasn haven hadn won wouldn couldn shouldn can't lack lacks";
/// Words that begin what is said beside a denial.
const TURNS: &str = "but however although though maybe perhaps probably possibly likely presumably instead";
/// Words of a guess.
const GUESSES: &str =
    "maybe perhaps probably possibly likely presumably think believe guess suppose assume might may";
/// Who speaks, and who is spoken to.
const SPEAKERS: &str = "i me my we us our you your please try";
/// Where facts stand.
const SOURCES: &str = "fact facts information text context data database knowledge source sources record records graph question questions";
/// What a source does where it tells something.
const SAYS: &str = "say says said tell tells told state states stated list lists listed show shows shown give gives given mention mentions mentioned";
/// Verbs of a statement, and those whom it is about.
const STATES: &str = "is are was were be been has had s";
const THIRD: &str = "he she it they";
/// Words of an agreement, which answer a question for yes or no.
const AGREES: [&str; 3] = ["yes", "yeah", "indeed"];
/// Characters that tell nothing in a Chinese refusal.
const EMPTY_HAN: &str = "我你您他她它们的了是很抱歉对不起好意思关于根据按照提供给出现有已知目前这那个些问题信息事实资料内容答案回答能够可以请咨询问其它帮助如果需要想在中里上下和与或吗呢\
    啊吧什么哪谁何时候为就也都还更多告诉说道找到查看来自相以及所因此只之而且但不过";
/// Characters that deny.
const DENIALS_HAN: [char; 5] = ['不', '没', '无', '未', '非'];
/// Words that begin what is said beside a denial.
const TURNS_HAN: [&str; 9] = ["可能", "也许", "或许", "大概", "应该", "估计", "但是", "不过", "而是"];

/// What keeps a text from being a refusal to answer a question; `None` where it is one. `facts` are those of the prompt.
pub(super) fn not_refusing(question: &str, facts: &str, refusal: Option<&str>, text: &str) -> Option<String> {
    let is_line = refusal.is_some_and(|line| line.trim() == text.trim());
    if !is_line && !says_it_does_not_know(text) {
        return Some("it does not say that it does not know".to_owned());
    }
    let known = Known::new(question, facts, refusal);
    let text = composed(text);
    let told = known.told_number(&text).or_else(|| {
        text.unicode_sentences().find_map(|sentence| {
            if sentence.chars().any(is_han) {
                known.told_han(sentence).or_else(|| known.told_name(sentence))
            } else {
                known.told_name(sentence).or_else(|| known.told_word(sentence))
            }
        })
    });
    told.map(|told| format!("it says {told}"))
}

/// What may be said.
struct Known {
    question: String,
    /// The question and the refusal that is expected.
    text: String,
    /// Words of the question and of the refusal that is expected.
    asked: HashSet<String>,
    /// Words of the facts that neither has.
    facts: HashSet<String>,
    numbers: Vec<Found>,
}

impl Known {
    fn new(question: &str, facts: &str, refusal: Option<&str>) -> Self {
        let text = composed(&format!("{question}\n{}", refusal.unwrap_or_default()));
        let words = |text: &str| words_of(text).into_iter().map(|word| word.folded);
        let mut known = Self {
            question: composed(question),
            asked: words(&text).collect(),
            facts: HashSet::new(),
            numbers: quantities(&text),
            text,
        };
        known.facts = words(&composed(facts)).filter(|word| known.is_open(word)).collect();
        known
    }

    /// Whether a word is neither one that tells nothing nor one of the question, in any form.
    fn is_open(&self, word: &str) -> bool {
        !is_one_of(EMPTY, word) && !self.is_asked(word)
    }

    fn is_asked(&self, word: &str) -> bool {
        self.asked.contains(word) || self.asked.iter().any(|asked| are_forms_of_one(word, asked))
    }

    /// A number that was not asked about.
    fn told_number<'a>(&self, text: &'a str) -> Option<&'a str> {
        let is_known = |found: &Found| self.numbers.iter().any(|known| agrees(found, known.value));
        quantities(text).iter().find(|found| !is_known(found)).map(|found| &text[found.range.clone()])
    }

    /// A name that was not asked about. At the beginning of a sentence every word has a capital letter: there, one that refusals begin with is none.
    fn told_name<'a>(&self, sentence: &'a str) -> Option<&'a str> {
        let is_name = |word: &&Word| {
            let is_code = word.folded.chars().any(|c| c.is_ascii_digit());
            let is_beginning = starts_a_sentence(sentence, word.range.start);
            let is_plain = if is_beginning {
                !self.is_open(&word.folded)
            } else {
                word.folded == "i" || self.asked.contains(&word.folded)
            };
            (is_code || word.is_capital) && !is_plain
        };
        words_of(sentence).iter().find(is_name).map(|word| &sentence[word.range.clone()])
    }

    /// A word that answers, in a sentence of words.
    fn told_word<'a>(&self, sentence: &'a str) -> Option<&'a str> {
        let words = words_of(sentence);
        let mut is_denied = false;
        for clause in clauses(sentence, &words) {
            let has = |list: &str| clause.iter().any(|word| is_one_of(list, &word.folded));
            let denial = clause.iter().position(|word| is_one_of(DENIALS, &word.folded));
            let (open, is_strict) = match denial {
                Some(at) => (&clause[..at], false),
                None => {
                    let states = has(STATES);
                    let speaks = has(SPEAKERS) || has(SOURCES);
                    // “The graph says carpenter” is an answer; “you can look at the graph” is none.
                    let is_quoted = has(SOURCES) && has(SAYS);
                    let is_said =
                        is_quoted || states && has(THIRD) || !speaks && (states || has(THIRD) || !is_denied);
                    (clause, is_said || has(GUESSES))
                }
            };
            is_denied |= denial.is_some();
            let tells = |word: &&Word| {
                let word = word.folded.as_str();
                self.facts.contains(word)
                    || is_strict
                        && (self.is_open(word) || AGREES.contains(&word) && !self.asked.contains(word))
            };
            if let Some(word) = open.iter().find(tells) {
                return Some(&sentence[word.range.clone()]);
            }
        }
        None
    }

    /// A clause that answers, in a Chinese sentence: one that has characters of its own before anything is denied.
    fn told_han<'a>(&self, sentence: &'a str) -> Option<&'a str> {
        let is_empty = |c: char| !is_han(c) || EMPTY_HAN.contains(c) || self.text.contains(c);
        let tells = |clause: &&str| {
            let denial = self.denial_han(clause).unwrap_or(clause.len());
            !self.text.contains(clause.trim()) && !clause[..denial].chars().all(is_empty)
        };
        han_clauses(sentence).into_iter().find(tells).map(str::trim)
    }

    /// Where a Chinese clause begins to deny; a name of the question such as 不丹 does not.
    fn denial_han(&self, clause: &str) -> Option<usize> {
        let is_name = |at: &usize| {
            let end = clause[*at..].char_indices().nth(2).map_or(clause.len(), |(end, _)| at + end);
            self.question.contains(&clause[*at..end])
        };
        clause.match_indices(DENIALS_HAN).map(|(at, _)| at).find(|at| !is_name(at))
    }
}

fn is_one_of(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// Whether two words begin alike, as “founded” and “founder” do.
fn are_forms_of_one(word: &str, asked: &str) -> bool {
    let shared = word.chars().zip(asked.chars()).take_while(|(a, b)| a == b).count();
    shared >= 4 && shared + 3 >= asked.chars().count() && shared + 4 >= word.chars().count()
}

/// The words of each clause: between marks, and from each word on that turns what is said.
fn clauses<'a>(sentence: &str, words: &'a [Word]) -> Vec<&'a [Word]> {
    let begins = |at: usize| {
        let between = &sentence[words[at - 1].range.end..words[at].range.start];
        is_one_of(TURNS, &words[at].folded)
            || between.contains([',', ';', ':', '(', ')', '"', '“', '”', '–', '—', '…', '.', '!', '?', '\n'])
            || between.trim() == "-"
    };
    let mut cuts: Vec<usize> = (1..words.len()).filter(|&at| begins(at)).collect();
    cuts.push(words.len());
    let mut start = 0;
    cuts.into_iter().map(|end| &words[std::mem::replace(&mut start, end)..end]).collect()
}

/// The same for Chinese.
fn han_clauses(sentence: &str) -> Vec<&str> {
    let mut clauses = Vec::new();
    for clause in sentence.split(['，', '。', '；', '！', '？', '：', ',', '.', ';', ':', '!', '?', '\n'])
    {
        let mut cuts: Vec<usize> =
            TURNS_HAN.iter().flat_map(|turn| clause.match_indices(turn)).map(|(at, _)| at).collect();
        cuts.push(clause.len());
        cuts.sort_unstable();
        let mut start = 0;
        clauses.extend(cuts.into_iter().map(|end| &clause[std::mem::replace(&mut start, end)..end]));
    }
    clauses
}

#[cfg(test)]
mod tests {
    use super::not_refusing;

    const BHUTAN: &str = "What is the anthem of Bhutan since 1953?";
    const ITS_FACTS: &str = "The capital of Bhutan is Thimphu.\nThe genre of Druk is jazz.\n\n";
    const ANN: &str = "What is Ann Lee's occupation?";
    const OTHERS: &str = "Bea Cole is a politician.\nAnn Lee was educated at Yale University.\n\n";

    fn told(question: &str, facts: &str, text: &str) -> Option<String> {
        not_refusing(question, facts, None, text)
    }

    #[test]
    fn a_refusal_may_name_what_was_asked_and_where_was_looked() {
        for text in [
            "I don't know. I found no fact about Bhutan that answers this.",
            "I’m sorry, but I do not know that. The facts don't say it.",
            "I have no information about the anthem of Bhutan in 1953.",
            "Unfortunately, the provided facts do not say what the anthem of Bhutan is.",
            "I don't know. Please ask something else.",
            "I'm sorry, but I don't have that information. If you have other questions, I can help you.",
            "Based on the facts above, I cannot answer this question.",
            "The anthem of Bhutan is unknown; I could not find it in the facts.",
        ] {
            assert_eq!(told(BHUTAN, ITS_FACTS, text), None, "{text}");
        }
        for (question, text) in [
            ("Who founded Wide Boyz?", "I don't know. I found no fact about who founded Wide Boyz."),
            ("Who is the founder of Wide Boyz?", "I don't know who founded Wide Boyz."),
            (ANN, "I don't know whether Ann Lee is a politician, a lawyer or an actor."),
            (ANN, "I do not have information about Ann Lee's occupation, education, or career."),
            (ANN, "There is no information about the occupation of Ann Lee. I can't say more."),
        ] {
            assert_eq!(told(question, OTHERS, text), None, "{text}");
        }
        let line = "Please ask Ms Juniper.";
        assert_eq!(not_refusing(BHUTAN, "", Some(line), line), None, "the bot's own line, whatever it says");
    }

    #[test]
    fn a_refusal_gives_no_answer_beside_it() {
        for text in [
            "The anthem of Bhutan is Druk Tsendhen.",
            "I don't know, but it may be Druk Tsendhen.",
            "I do not know. The capital of Bhutan is Thimphu.",
            "I do not know. Thimphu is the capital of Bhutan.",
            "I don't know. Paris.",
            "I don't know: Thimphu.",
            "I cannot say; it was chosen in 1966.",
            "I can't say. It is jazz.",
            "I can't say. jazz",
            "I don't know. Yes.",
            "",
        ] {
            assert!(told(BHUTAN, ITS_FACTS, text).is_some(), "{text}");
        }
        for text in [
            "He is a politician. I can't say more.",
            "I don't know, but he is a lawyer.",
            "I don't know but maybe a lawyer.",
            "I am not sure. I think he was a lawyer.",
            "I don't know. I can tell you that she is an actor.",
            "A politician, I don't know more.",
            "I can tell you of a politician. I can't say more.",
        ] {
            assert!(told(ANN, OTHERS, text).is_some(), "{text}");
        }
    }

    #[test]
    fn in_chinese_no_clause_may_answer() {
        let question = "不丹的国歌是什么？";
        let facts = "不丹的首都是廷布。\n";
        for text in [
            "我不知道。我没有找到能回答这个问题的信息。",
            "抱歉，我不知道。",
            "我不知道。关于不丹，我没有找到能回答这个问题的事实。",
            "很抱歉，根据提供的信息，我无法回答这个问题。",
        ] {
            assert_eq!(told(question, facts, text), None, "{text}");
        }
        for text in [
            "我不知道。不丹的首都是廷布。",
            "我不知道，可能是廷布。",
            "我不知道可能是廷布。",
            "我无法确定，但不丹的首都是廷布。",
            "廷布，其它的我不清楚。",
        ] {
            assert!(told(question, facts, text).is_some(), "{text}");
        }
    }
}
