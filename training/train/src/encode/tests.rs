//! Sets become tokens: what is learnt, what is read, and what is refused.

use std::path::Path;

use serde_json::json;

use super::*;

const CHAT_ML: &str = "{% for message in messages %}{{'<|im_start|>' + message['role'] + ' ' + message['content'] + '<|im_end|>' + ' '}}\
    {% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant ' }}{% endif %}";

/// A tokenizer whose tokens are words, numbered as they stand here.
const WORDS: [&str; 9] = ["system", "user", "assistant", "brief", "hi", "hello", "and", "more", "no"];
const START: u32 = 9;
const END: u32 = 10;

fn tokenizer(folder: &Path, template: &str) -> ChatTokenizer {
    let vocabulary: serde_json::Map<_, _> =
        WORDS.iter().zip(0u32..).map(|(word, id)| ((*word).to_owned(), json!(id))).collect();
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let tokenizer = json!({
        "version": "1.0",
        "added_tokens": [special(START, "<|im_start|>"), special(END, "<|im_end|>")],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": "no"},
    });
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("tokenizer.json", &tokenizer.to_string());
    write("tokenizer_config.json", r#"{"eos_token": "<|im_end|>"}"#);
    write("config.json", "{}");
    write("chat_template.jinja", template);
    ChatTokenizer::open(folder).unwrap()
}

fn example(messages: &[(Role, &str, Option<u8>)]) -> Example {
    let messages = messages.iter().map(|(role, content, weight)| Message {
        role: *role,
        content: (*content).to_owned(),
        weight: *weight,
    });
    Example {
        id: "one".to_owned(),
        kind: Kind::Dialogue,
        messages: messages.collect(),
        text: None,
        entities: Default::default(),
        group: None,
        question: None,
        answers: Vec::new(),
        unfinished: false,
    }
}

fn text(text: &str) -> Example {
    Example { text: Some(text.to_owned()), kind: Kind::Text, ..example(&[]) }
}

/// The words of a document that are learnt.
fn learnt(document: &Document) -> Vec<u32> {
    let pairs = document.tokens.iter().zip(&document.weights);
    pairs.filter(|(_, weight)| **weight == 1.0).map(|(token, _)| *token).collect()
}

fn id(word: &str) -> u32 {
    WORDS.iter().position(|known| *known == word).unwrap() as u32
}

#[test]
fn answers_and_their_ends_are_learnt_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer(folder.path(), CHAT_ML);
    let dialogue = example(&[
        (Role::System, "brief", None),
        (Role::User, "hi", None),
        (Role::Assistant, "hello more", Some(1)),
        (Role::User, "and", None),
        (Role::Assistant, "no", Some(0)),
        (Role::User, "more", None),
        (Role::Assistant, "more hi", None),
    ]);
    let documents = documents(std::slice::from_ref(&dialogue), &tokenizer, 100).unwrap();
    let [document] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!(learnt(document), [id("hello"), id("more"), END, id("more"), id("hi"), END]);
    // It is the whole dialogue as the engine would ask the model to go on with it, and its last answer.
    let asked: Vec<ChatMessage> = dialogue.messages[..6].iter().map(as_chat).collect();
    let prompt = tokenizer.prompt(&asked).unwrap();
    assert_eq!(document.tokens, [prompt, vec![id("more"), id("hi"), END]].concat());
    assert_eq!(document.weights.len(), document.tokens.len());
}

#[test]
fn an_answer_that_was_cut_off_does_not_end() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer(folder.path(), CHAT_ML);
    let said = [(Role::User, "hi", None), (Role::Assistant, "hello more", None)];
    let whole = example(&said);
    let cut = Example { unfinished: true, kind: Kind::Rehearsal, ..whole.clone() };
    let documents = documents(&[whole, cut], &tokenizer, 100).unwrap();
    assert_eq!(learnt(&documents[0]), [id("hello"), id("more"), END]);
    assert_eq!(learnt(&documents[1]), [id("hello"), id("more")]);
    assert!(!documents[0].distilled && documents[1].distilled);
}

#[test]
fn a_template_that_rewrites_past_turns_gets_a_document_for_each() {
    let folder = tempfile::tempdir().unwrap();
    // Past answers are left out.
    let template = CHAT_ML
        .replace(
            "{% for message in messages %}",
            "{% for message in messages %}{% if message['role'] != 'assistant' or loop.last %}",
        )
        .replace("{% endfor %}", "{% endif %}{% endfor %}");
    let tokenizer = tokenizer(folder.path(), &template);
    let dialogue = example(&[
        (Role::User, "hi", None),
        (Role::Assistant, "hello", None),
        (Role::User, "and", None),
        (Role::Assistant, "more", None),
    ]);
    let documents = documents(&[dialogue], &tokenizer, 100).unwrap();
    assert_eq!(documents.len(), 2);
    assert_eq!(learnt(&documents[0]), [id("hello"), END]);
    assert_eq!(learnt(&documents[1]), [id("more"), END]);
    assert!(!documents[1].tokens.contains(&id("hello")));
}

#[test]
fn a_dialogue_that_is_only_read_is_still_counted() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer(folder.path(), CHAT_ML);
    let read = example(&[(Role::User, "hi", None), (Role::Assistant, "hello", Some(0))]);
    assert_eq!(documents(&[read], &tokenizer, 100).unwrap(), [Document::default()]);
}

#[test]
fn each_token_of_a_long_text_is_foretold_once() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer(folder.path(), CHAT_ML);
    let words = ["hi hello and more no"; 5].join(" ");
    let documents = documents(&[text(&words)], &tokenizer, 10).unwrap();
    assert_eq!(documents.iter().map(Document::len).collect::<Vec<_>>(), [10, 10, 7]);
    let foretold: Vec<u32> = documents.iter().flat_map(|document| document.tokens[1..].to_vec()).collect();
    assert_eq!(foretold, tokenizer.text(&words).unwrap()[1..]);
    // What ends a turn in the template is a plain word in a text.
    assert!(!super::documents(&[text("hi<|im_end|>")], &tokenizer, 10).unwrap()[0].tokens.contains(&END));
}

#[test]
fn what_the_template_refuses_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer(folder.path(), "{{ raise_exception('no roles here') }}");
    let wrong = example(&[(Role::User, "hi", None), (Role::Assistant, "hello", None)]);
    let told = format!("{:#}", documents(&[wrong], &tokenizer, 10).unwrap_err());
    assert!(told.contains("example `one`") && told.contains("no roles here"), "{told}");
}
