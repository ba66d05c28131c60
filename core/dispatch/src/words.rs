//! What the host says in its own words: about commands, buttons and messages that it cannot answer. In: a language. Out: its words. Knows no
//! reply; what an explanation is made of is in `explain`.

use loquat_contract::Language;

/// The words of one language.
pub(crate) struct Words {
    /// In place of an answer; why stands in the log and the journal.
    pub(crate) apology: &'static str,
    /// `{command}`
    pub(crate) needs_question: &'static str,
    /// `{files}`
    pub(crate) reads_text: &'static str,
    pub(crate) and: &'static str,
    pub(crate) welcome: &'static str,
    pub(crate) no_need_of_code: &'static str,
    pub(crate) thanks: &'static str,
    pub(crate) under_way: &'static str,
    pub(crate) too_old: &'static str,
    pub(crate) same_answer: &'static str,
    pub(crate) no_human: &'static str,
    pub(crate) nothing_to_rate: &'static str,
    pub(crate) feedback_usage: &'static str,
    pub(crate) reset: &'static str,
    /// `{language}`
    pub(crate) language_set: &'static str,
    pub(crate) language_auto: &'static str,
    /// `{languages}`
    pub(crate) language_usage: &'static str,
    pub(crate) help: &'static str,
    pub(crate) for_operators: &'static str,
    pub(crate) goodbye: &'static str,
    pub(crate) cannot_leave: &'static str,
    pub(crate) cannot_remove: &'static str,
    pub(crate) removed: &'static str,
    pub(crate) not_removed: &'static str,
    pub(crate) not_mine: &'static str,
    pub(crate) remove_usage: &'static str,
    /// `{version}`, `{uptime}`, `{at_work}`, `{owed}`, `{unknown}`, `{failed}`
    pub(crate) status: &'static str,
    /// `{generation}`
    pub(crate) status_graph: &'static str,
    pub(crate) label_why: &'static str,
    pub(crate) label_retry: &'static str,
    pub(crate) label_human: &'static str,
}

const ENGLISH: Words = Words {
    apology: "Something went wrong, and this message could not be answered. Please ask again later.",
    needs_question: "/{command} needs a question behind it.",
    reads_text: "I read text only, so I did not look at {files}. Write your question in words.",
    and: " and ",
    welcome: "You may talk to this bot now. Ask away.",
    no_need_of_code: "This code is not good, and you need none: you may talk to this bot.",
    thanks: "Thank you.",
    under_way: "This is being answered already.",
    too_old: "That is not kept any more; ask again.",
    same_answer: "I looked at my facts again, as they are now, and the answer is the same.",
    no_human: "Nobody has told me how to reach a person from here.",
    nothing_to_rate: "There is no answer here yet that this could be about.",
    feedback_usage: "Write what was good or bad behind it, such as: /feedback The date is wrong.",
    reset: "I have forgotten what we talked about. Ask something new.",
    language_set: "I answer in {language} from now on.",
    language_auto: "I answer each message in its own language from now on.",
    language_usage: "Write one of {languages} behind /language, or auto for the language of each message.",
    help: "Ask me something, or use a command:",
    for_operators: "This command is for those who run the bot.",
    goodbye: "Goodbye.",
    cannot_leave: "I cannot leave here by myself; take me out of this conversation.",
    cannot_remove: "I cannot remove messages here.",
    removed: "It is removed.",
    not_removed: "It could not be removed; the log says why.",
    not_mine: "That is no message of mine that I still know of.",
    remove_usage: "Use /remove in answer to a message of mine, or name the answer by its number: /remove #12.",
    status: "Loquat {version}, running for {uptime}. Conversations at work: {at_work}. Messages owed an answer: {owed}, \
             unknown: {unknown}, failed: {failed}.",
    status_graph: " The last answer here was made from generation {generation} of the graph.",
    label_why: "Why?",
    label_retry: "Try again",
    label_human: "Talk to a person",
};

const CHINESE: Words = Words {
    apology: "出了点问题，这条消息没能得到回答。请稍后再问。",
    needs_question: "/{command} 后面需要写上问题。",
    reads_text: "我只能阅读文字，所以没有查看 {files}。请用文字写下你的问题。",
    and: "、",
    welcome: "你现在可以和这个机器人对话了，请提问。",
    no_need_of_code: "这个配对码无效，不过你并不需要它：你可以和这个机器人对话。",
    thanks: "谢谢。",
    under_way: "正在回答，请稍等。",
    too_old: "相关内容已不再保留，请重新提问。",
    same_answer: "我按现在的事实重新查看了一遍，回答不变。",
    no_human: "还没有人告诉我怎样从这里联系人工。",
    nothing_to_rate: "这里还没有可以评价的回答。",
    feedback_usage: "请在后面写明哪里好或不好，例如：/feedback 日期不对。",
    reset: "之前谈到的内容我已经忘了，请问新的问题。",
    language_set: "从现在起我用{language}回答。",
    language_auto: "从现在起，每条消息用什么语言，我就用什么语言回答。",
    language_usage: "请在 /language 后面写 {languages} 之一，或写 auto，按每条消息的语言回答。",
    help: "请直接提问，或使用命令：",
    for_operators: "这个命令只供机器人的管理者使用。",
    goodbye: "再见。",
    cannot_leave: "我不能自己离开这里，请把我移出这个对话。",
    cannot_remove: "我不能在这里删除消息。",
    removed: "已删除。",
    not_removed: "没能删除，原因见日志。",
    not_mine: "那不是我还记得的、由我发出的消息。",
    remove_usage: "请用 /remove 回复我的一条消息，或用编号指明回答：/remove #12。",
    status: "Loquat {version}，已运行 {uptime}。进行中的对话：{at_work}。等待回答的消息：{owed}，结果不明：{unknown}，失败：{failed}。",
    status_graph: "这里的上一个回答依据图谱版本 {generation}。",
    label_why: "为什么？",
    label_retry: "再试一次",
    label_human: "联系人工",
};

/// The words of `language`, else English.
pub(crate) fn of(language: &Language) -> &'static Words {
    if language.matches(&Language::chinese()) { &CHINESE } else { &ENGLISH }
}

/// What a language calls itself, else its tag.
pub(crate) fn own_name(language: &Language) -> String {
    match language.primary() {
        "en" => "English".to_owned(),
        "zh" => "中文".to_owned(),
        _ => language.to_string(),
    }
}
