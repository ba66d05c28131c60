//! Commands for Discord's menu. In: what the host offers. Out: JSON for the API, and whether it differs from what is there.

use loquat_contract::{ArgumentSpec, CommandSpec, Localised};
use serde_json::Value;
use serenity::all::{CommandOptionType, CreateCommand, CreateCommandOption, Permissions};

/// The most characters of a description.
const DESCRIPTION: usize = 100;
/// The most choices of an argument.
const CHOICES: usize = 25;

/// The commands as Discord wants them.
pub(crate) fn menu(commands: &[CommandSpec]) -> Vec<Value> {
    // A builder of serenity's always has a form as JSON.
    let made = commands.iter().filter_map(|command| serde_json::to_value(create(command)).ok());
    made.map(without_nothing).collect()
}

/// Without empty lists: one of choices would say that there are none to choose from.
fn without_nothing(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, without_nothing(value)));
            Value::Object(
                fields.filter(|(_, value)| !matches!(value, Value::Array(list) if list.is_empty())).collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nothing).collect()),
        other => other,
    }
}

fn create(spec: &CommandSpec) -> CreateCommand {
    let mut command = CreateCommand::new(&spec.name).description(first(&spec.description));
    for (locale, words) in others(&spec.description) {
        command = command.description_localized(locale, words);
    }
    if spec.is_for_operators {
        // Whoever runs the server may let others use it.
        command = command.default_member_permissions(Permissions::empty());
    }
    match &spec.argument {
        Some(argument) => command.add_option(option(argument)),
        None => command,
    }
}

fn option(spec: &ArgumentSpec) -> CreateCommandOption {
    let mut option =
        CreateCommandOption::new(CommandOptionType::String, &spec.name, first(&spec.description))
            .required(spec.is_required);
    for (locale, words) in others(&spec.description) {
        option = option.description_localized(locale, words);
    }
    for (value, label) in spec.choices.iter().take(CHOICES) {
        let others: Vec<(&str, String)> = others(label).collect();
        option = match others.is_empty() {
            true => option.add_string_choice(first(label), value),
            false => option.add_string_choice_localized(first(label), value, others),
        };
    }
    option
}

fn first(words: &Localised) -> String {
    let words = words.0.first().map_or("", |(_, words)| words.as_str());
    // Discord takes no empty one.
    if words.is_empty() { "…".to_owned() } else { short(words) }
}

fn short(words: &str) -> String {
    words.chars().take(DESCRIPTION).collect()
}

/// The words in other languages, by Discord's locales. English stands for all that are not named.
fn others(words: &Localised) -> impl Iterator<Item = (&'static str, String)> + '_ {
    words.0.iter().skip(1).flat_map(|(language, words)| {
        let code = language.to_string();
        let locales: &'static [&'static str] = match code.split(['-', '_']).next().unwrap_or_default() {
            "zh" => &["zh-CN", "zh-TW"],
            "en" => &["en-US", "en-GB"],
            "de" => &["de"],
            "fr" => &["fr"],
            "es" => &["es-ES", "es-419"],
            "ja" => &["ja"],
            "ko" => &["ko"],
            "pt" => &["pt-BR"],
            "ru" => &["ru"],
            "it" => &["it"],
            _ => &[],
        };
        locales.iter().map(|locale| (*locale, short(words)))
    })
}

/// Whether Discord has just these commands already. It adds fields of its own, and leaves out those that are at their default.
pub(crate) fn is_same(wanted: &[Value], there: &[Value]) -> bool {
    let find = |name: &Value| there.iter().find(|command| command.get("name") == Some(name));
    wanted.len() == there.len()
        && wanted.iter().all(|command| {
            let name = command.get("name").unwrap_or(&Value::Null);
            find(name).is_some_and(|known| is_within(command, known))
        })
}

/// Whether all that `wanted` says is so in `there`.
fn is_within(wanted: &Value, there: &Value) -> bool {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => {
            let keys =
                ["options", "default_member_permissions", "description_localizations", "choices", "required"];
            let is_known = |(key, value): (&String, &Value)| match there.get(key) {
                Some(known) => is_within(value, known) || is_nothing(value) && is_nothing(known),
                None => is_nothing(value),
            };
            // What is there and not wanted any more differs too.
            let is_more = |key: &str| {
                !wanted.contains_key(key) && there.get(key).is_some_and(|known| !is_nothing(known))
            };
            wanted.iter().all(is_known) && !keys.into_iter().any(is_more)
        }
        (Value::Array(wanted), Value::Array(there)) => {
            wanted.len() == there.len()
                && wanted.iter().zip(there).all(|(wanted, there)| is_within(wanted, there))
        }
        (wanted, there) => wanted == there,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
