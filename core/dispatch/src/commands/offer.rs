//! The list of commands. In: the bot's languages. Out: what platforms put into their menus, and the same as lines of help.

use loquat_contract::{ArgumentSpec, Block, CommandSpec, Document, Inline, Language, Localised};

use crate::words::own_name;

/// A command: its name, what it does, what stands behind it and whether it has to, and whether it is for operators.
struct Row {
    name: &'static str,
    description: [&'static str; 2],
    argument: Option<(&'static str, [&'static str; 2], bool)>,
    is_for_operators: bool,
}

const ROWS: [Row; 10] = [
    Row {
        name: "ask",
        description: ["Ask a question", "提一个问题"],
        argument: Some(("question", ["Your question", "你的问题"], true)),
        is_for_operators: false,
    },
    Row {
        name: "why",
        description: ["Show why an answer says what it says", "查看回答的依据"],
        argument: Some((
            "answer",
            ["2 for the answer before the last, #12 for its number", "2 为再前一个回答，#12 为回答的编号"],
            false,
        )),
        is_for_operators: false,
    },
    Row {
        name: "feedback",
        description: ["Say what is good or bad about the last answer", "评价上一个回答"],
        argument: Some(("text", ["What you think of it", "你的评价"], true)),
        is_for_operators: false,
    },
    Row {
        name: "reset",
        description: ["Forget what we talked about", "忘记之前谈到的内容"],
        argument: None,
        is_for_operators: false,
    },
    Row {
        name: "language",
        description: ["Choose the language of answers", "选择回答的语言"],
        argument: Some(("language", ["The language, or auto", "语言，或 auto"], false)),
        is_for_operators: false,
    },
    Row {
        name: "human",
        description: ["Say how to reach a person", "怎样联系人工"],
        argument: None,
        is_for_operators: false,
    },
    Row {
        name: "help",
        description: ["Show what can be done", "查看可以做什么"],
        argument: None,
        is_for_operators: false,
    },
    Row {
        name: "status",
        description: ["Show how the bot is", "查看机器人的状态"],
        argument: None,
        is_for_operators: true,
    },
    Row {
        name: "leave",
        description: ["Leave this conversation", "离开这个对话"],
        argument: None,
        is_for_operators: true,
    },
    Row {
        name: "remove",
        description: ["Remove an answer of the bot's", "删除机器人的一个回答"],
        argument: Some(("answer", ["#12 for its number", "#12 为回答的编号"], false)),
        is_for_operators: true,
    },
];

/// The commands that platforms put into their menus; `has_human` says whether a person can be reached. `/start` is none of them:
/// platforms that have it send it by themselves.
pub(crate) fn offered(languages: &[Language], has_human: bool) -> Vec<CommandSpec> {
    let rows = ROWS.iter().filter(|row| has_human || row.name != "human");
    rows.map(|row| CommandSpec {
        name: row.name.to_owned(),
        description: localised(row.description),
        argument: row.argument.map(|(name, description, is_required)| ArgumentSpec {
            name: name.to_owned(),
            description: localised(description),
            is_required,
            choices: if name == "language" { choices(languages) } else { Vec::new() },
        }),
        is_for_operators: row.is_for_operators,
    })
    .collect()
}

fn localised([english, chinese]: [&str; 2]) -> Localised {
    Localised(vec![(Language::english(), english.to_owned()), (Language::chinese(), chinese.to_owned())])
}

/// The languages that can be chosen, each by its own name.
fn choices(languages: &[Language]) -> Vec<(String, Localised)> {
    let named = languages.iter().map(|language| {
        let name = own_name(language);
        (language.to_string(), Localised(vec![(language.clone(), name)]))
    });
    let auto = ("auto".to_owned(), localised(["The language of each message", "每条消息的语言"]));
    named.chain([auto]).collect()
}

/// The commands as lines, behind some words.
pub(crate) fn help(
    opening: &str,
    commands: &[CommandSpec],
    language: &Language,
    is_operator: bool,
) -> Document {
    let text = |text: &str| Inline::Text(text.to_owned());
    let shown = commands.iter().filter(|command| is_operator || !command.is_for_operators);
    let lines = shown.map(|command| {
        let argument = command.argument.as_ref().map(|argument| match argument.is_required {
            true => format!(" {}", argument.name.to_uppercase()),
            false => format!(" [{}]", argument.name.to_uppercase()),
        });
        let said = format!("/{}{}", command.name, argument.unwrap_or_default());
        vec![text(&said), text(" — "), text(command.description.of(language))]
    });
    let lines: Vec<Vec<Inline>> = lines.collect();
    Document {
        blocks: vec![Block::Paragraph(vec![text(opening)]), Block::Paragraph(lines.join(&Inline::Break))],
    }
}

#[cfg(test)]
mod tests {
    use loquat_contract::Format;

    use super::*;

    #[test]
    fn menus_have_every_command_in_both_languages_and_within_what_platforms_take() {
        let languages = [Language::english(), Language::chinese()];
        let commands = offered(&languages, true);
        assert_eq!(commands.len(), offered(&languages, false).len() + 1);
        for command in &commands {
            for language in &languages {
                let of = |words: &Localised| words.of(language).to_owned();
                let argument = command.argument.as_ref().map(|argument| of(&argument.description));
                for words in [Some(of(&command.description)), argument].into_iter().flatten() {
                    assert!((3..=100).contains(&words.chars().count()), "{words}");
                    let is_chinese = words.chars().any(|c| c > '\u{4e00}');
                    assert_eq!(is_chinese, *language == Language::chinese(), "{words}");
                }
            }
        }
        let language = commands.iter().find(|command| command.name == "language").unwrap();
        let choices = &language.argument.as_ref().unwrap().choices;
        let values: Vec<&str> = choices.iter().map(|(value, _)| value.as_str()).collect();
        assert_eq!(values, ["en", "zh", "auto"]);
    }

    #[test]
    fn help_names_the_commands_that_one_may_use() {
        let commands = offered(&[Language::english()], false);
        let shown =
            |is_operator| help("Ask:", &commands, &Language::english(), is_operator).render(Format::Plain);
        assert!(
            shown(false).starts_with("Ask:\n\n/ask QUESTION — Ask a question\n/why [ANSWER] — "),
            "{}",
            shown(false)
        );
        assert!(!shown(false).contains("/leave") && shown(true).contains("/leave"));
    }
}
