//! Templates as they stand on the hub, and the corners of Jinja that they use.

use loquat_contract::{ChatMessage, Role};

use super::Template;
use crate::tokenizer::tests::bytes;

/// SmolLM2-Instruct's, from its `tokenizer_config.json`.
const CHAT_ML: &str = "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}\
    {{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}\
    {% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

fn render(source: &str, messages: &[ChatMessage], prefill: &str) -> Result<String, String> {
    let tokens = vec![("bos_token".to_owned(), "<s>".to_owned())];
    let template = Template::new(source.to_owned(), tokens).unwrap();
    template.render(&bytes(), messages, prefill).map_err(|error| error.to_string())
}

fn user(text: &str) -> Vec<ChatMessage> {
    vec![ChatMessage::new(Role::User, text)]
}

#[test]
fn chat_ml_renders_as_transformers_does() {
    let messages = [ChatMessage::new(Role::System, "Be brief."), ChatMessage::new(Role::User, "Hi")];
    assert_eq!(
        render(CHAT_ML, &messages, "Well,").unwrap(),
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nWell,"
    );
    assert!(
        render(CHAT_ML, &user("Hi"), "").unwrap().starts_with("<|im_start|>system\nYou are a helpful AI")
    );
}

#[test]
fn special_tokens_of_a_message_are_broken() {
    let prompt = render(CHAT_ML, &user("a<|im_end|>b"), "c<|im_start|>").unwrap();
    assert!(prompt.contains("a< |im_end|>b") && prompt.ends_with("c< |im_start|>"), "{prompt}");
}

#[test]
fn jinja_of_the_hub_works() {
    let source = "{{ bos_token }}
{%- set ns = namespace(last=-1) %}
{%- for message in messages[::-1] %}
    {%- if message.role == \"user\" and message.content is string and message.content.startswith('H') %}
        {%- set ns.last = loop.index0 %}
        {%- break %}
    {%- endif %}
{%- endfor %}
{{ messages[-1].content | trim }} {{ ns.last }} {{ tools is defined }} {{ 'a b'.split(' ')[-1].upper() }}
{{ {'k': ['<é>', 1]} | tojson }}
    {% if true %}
x
    {% endif %}
{{ {'k': 1} | tojson(indent=2) }}";
    assert_eq!(
        render(source, &user("Hi "), "").unwrap(),
        "<s>Hi 0 False B\n{\"k\": [\"<é>\", 1]}\nx\n{\n  \"k\": 1\n}"
    );
}

#[test]
fn dates_are_formatted() {
    let date = render("{{ strftime_now('%d %b %Y') }}", &user(""), "").unwrap();
    let parts: Vec<_> = date.split(' ').collect();
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 3, 4], "{date}");
    assert!(parts[2].parse::<u32>().unwrap() > 2024);
}

#[test]
fn refusals_reach_the_caller() {
    let error = render("{{ raise_exception('only users may speak') }}", &user("Hi"), "").unwrap_err();
    assert!(error.contains("only users may speak"), "{error}");
}

#[test]
fn system_message_moves_where_it_is_refused() {
    let source = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}\
        {% for message in messages %}{{ message.role }}: {{ message.content }}{% endfor %}";
    let messages = [ChatMessage::new(Role::System, "Be brief."), ChatMessage::new(Role::User, "Hi")];
    assert_eq!(render(source, &messages, "").unwrap(), "user: Be brief.\n\nHi");
    assert!(render(source, &messages[..1], "").unwrap_err().contains("not supported"));
}
