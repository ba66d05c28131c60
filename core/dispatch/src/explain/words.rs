//! What an explanation is made of, in the languages of the bot. In: a language. Out: its words. Knows no reply.

use loquat_contract::{Language, Policy, Wording};

/// The words of one language.
pub(super) struct Words {
    pub(super) usage: &'static str,
    pub(super) no_reply_yet: &'static str,
    pub(super) no_such_reply: &'static str,
    pub(super) quotes: [&'static str; 2],
    /// `{number}`, `{question}`
    pub(super) about: &'static str,
    /// `{number}`
    pub(super) about_number: &'static str,
    pub(super) supported: &'static str,
    pub(super) unsupported: &'static str,
    pub(super) contradicted: &'static str,
    pub(super) no_claim: &'static str,
    pub(super) colon: &'static str,
    pub(super) comma: &'static str,
    pub(super) stop: &'static str,
    pub(super) smalltalk: &'static str,
    pub(super) abstained: &'static str,
    pub(super) clarified: &'static str,
    pub(super) missing: &'static str,
    pub(super) unnamed: &'static str,
    pub(super) source: &'static str,
    pub(super) since: &'static str,
    pub(super) fact: &'static str,
    /// `{generation}`, `{policy}`, `{model}`
    pub(super) made: &'static str,
    is_chinese: bool,
}

const ENGLISH: Words = Words {
    usage: "Write /why for the last answer, /why 2 for the one before it, or /why #12 for the one with that number.",
    no_reply_yet: "There is no answer here yet that could be explained.",
    no_such_reply: "This conversation has no such answer. Write /why for the last one, or /why 2 for the one before it.",
    quotes: ["“", "”"],
    about: "About answer #{number}, to “{question}”:",
    about_number: "About answer #{number}:",
    supported: "supported by",
    unsupported: "not in my facts",
    contradicted: "my facts say otherwise",
    no_claim: "claims nothing",
    colon: ": ",
    comma: ", ",
    stop: ".",
    smalltalk: "Nothing was claimed: no question of fact was asked.",
    abstained: "Nothing was claimed: what was asked is not in my facts.",
    clarified: "Nothing was claimed: I asked back what was meant.",
    missing: "Missing in my facts: ",
    unnamed: "an entity that I do not know",
    source: "source",
    since: "in the graph since generation",
    fact: "fact",
    made: "Made from generation {generation} of the graph, under the policy “{policy}”, with the model {model}.",
    is_chinese: false,
};

const CHINESE: Words = Words {
    usage: "输入 /why 查看上一个回答的依据，/why 2 查看再前一个，/why #12 查看该编号的回答。",
    no_reply_yet: "这里还没有可以解释的回答。",
    no_such_reply: "这个对话里没有这个回答。输入 /why 查看上一个，/why 2 查看再前一个。",
    quotes: ["“", "”"],
    about: "关于第 {number} 号回答（问题：“{question}”）：",
    about_number: "关于第 {number} 号回答：",
    supported: "依据",
    unsupported: "我的事实中没有",
    contradicted: "与我的事实不符",
    no_claim: "未作任何断言",
    colon: "：",
    comma: "，",
    stop: "。",
    smalltalk: "未作任何断言：没有提出关于事实的问题。",
    abstained: "未作任何断言：所问内容不在我的事实中。",
    clarified: "未作任何断言：我反问了所指的是什么。",
    missing: "我的事实中缺少：",
    unnamed: "我不认识的名称",
    source: "来源",
    since: "自图谱版本",
    fact: "事实",
    made: "依据图谱版本 {generation}，策略 {policy}，模型 {model}。",
    is_chinese: true,
};

/// The words of `language`, else English.
pub(super) fn of(language: &Language) -> &'static Words {
    if language.matches(&Language::chinese()) { &CHINESE } else { &ENGLISH }
}

impl Words {
    /// Whose words a sentence is in.
    pub(super) fn wording(&self, wording: Wording) -> &'static str {
        match (wording, self.is_chinese) {
            (Wording::Model, false) => "in the model's own words",
            (Wording::Constrained, false) => {
                "in the model's words, which could only use the names and numbers of the facts"
            }
            (Wording::Template, false) => "in the words of a template",
            (Wording::Line, false) => "one of my own lines",
            (Wording::Model, true) => "模型自己的措辞",
            (Wording::Constrained, true) => "模型的措辞，名称和数字只能取自事实",
            (Wording::Template, true) => "模板的措辞",
            (Wording::Line, true) => "我的固定用语",
        }
    }

    /// What the policy is called in the config.
    pub(super) fn policy(&self, policy: Policy) -> &'static str {
        match policy {
            Policy::Strict => "strict",
            Policy::Hedged => "hedged",
            Policy::Open => "open",
        }
    }

    /// Since when the graph has a fact.
    pub(super) fn since(&self, generation: u64) -> String {
        if self.is_chinese {
            format!("{} {generation} 起", self.since)
        } else {
            format!("{} {generation}", self.since)
        }
    }
}
