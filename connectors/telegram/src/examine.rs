//! What `loquat doctor` says of a bot on Telegram. In: a config. Out: what was found on the server, and what to do about it. Changes nothing.

use loquat_contract::Check;
use serde_json::json;

use crate::api::{Api, Me, NEW_TOKEN, Webhook};
use crate::config::{Config, Mode};

/// Tries the config on its server: the token, what the bot may do, and how updates come. Nothing where there is no token.
pub async fn examine(config: &Config) -> Vec<Check> {
    if config.token.is_none() {
        return Vec::new();
    }
    let api = match config.check().and_then(|()| Api::new(config)) {
        Ok(api) => api,
        Err(error) => return vec![check("config", error.to_string(), Some("correct the file".to_owned()))],
    };
    let me: Me = match api.named("GetMe", &json!({})).await {
        Ok(me) => me,
        Err(failure) if failure.is_unauthorised() => {
            return vec![check("token", failure.to_string(), Some(NEW_TOKEN.to_owned()))];
        }
        Err(failure) => {
            let advice = format!("see whether this machine reaches {}", config.api);
            return vec![check("server", failure.to_string(), Some(advice))];
        }
    };
    let mut checks = vec![check("token", format!("it is {}'s, @{}", me.first_name, me.username), None)];
    checks.push(privacy(&me, config));
    if !me.can_join_groups {
        let advice = "where it should be in groups, allow that with @BotFather: /setjoingroups".to_owned();
        checks.push(check("groups", "nobody can add it to a group".to_owned(), Some(advice)));
    }
    match api.named::<Webhook>("GetWebhookInfo", &json!({})).await {
        Ok(webhook) => checks.extend(updates(&webhook, config)),
        Err(failure) => checks.push(check("updates", failure.to_string(), None)),
    }
    checks
}

fn privacy(me: &Me, config: &Config) -> Check {
    let advice = "where it should answer everything, turn privacy mode off with @BotFather: /setprivacy, then remove it from the group and add it again";
    match (me.can_read_all_group_messages, config.answer_all) {
        (true, _) => check("privacy mode", "off: in groups it is told everything".to_owned(), None),
        (false, true) => {
            let what = "on, so in groups it is told only of commands, mentions and answers to it, although answer_all is set";
            check("privacy mode", what.to_owned(), Some(advice.to_owned()))
        }
        (false, false) => {
            let what =
                "on: in groups it is told of commands, mentions and answers to it, which is all it needs";
            check("privacy mode", what.to_owned(), None)
        }
    }
}

fn updates(webhook: &Webhook, config: &Config) -> Vec<Check> {
    let waiting = webhook.pending_update_count;
    let mut checks = Vec::new();
    match (config.mode, webhook.url.is_empty()) {
        (Mode::Polling, true) => checks.push(check("updates", format!("by polling; {waiting} wait"), None)),
        (Mode::Polling, false) => {
            let what = format!("a webhook is left over from another program; {waiting} wait");
            let advice =
                "it is removed when the bot starts; see that the other program is not running any more";
            checks.push(check("updates", what, Some(advice.to_owned())));
        }
        (Mode::Webhook, true) => {
            let what = format!("by a webhook, which is set when the bot starts; {waiting} wait");
            checks.push(check("updates", what, None));
        }
        (Mode::Webhook, false) => {
            let is_own = config.public_url().is_ok_and(|url| url.as_str() == webhook.url);
            let (what, advice) = if is_own {
                (format!("by the webhook; {waiting} wait"), None)
            } else {
                let advice = "the bot takes it over when it starts; see that no other program needs it";
                ("the webhook is another program's".to_owned(), Some(advice.to_owned()))
            };
            checks.push(check("updates", what, advice));
        }
    }
    if let (Mode::Webhook, Some(problem)) = (config.mode, &webhook.last_error_message) {
        let advice = "see that the proxy passes https requests on to connectors.telegram.listen, and that the bot runs";
        let what = format!("Telegram could not deliver lately: {problem}");
        checks.push(check("webhook", what, Some(advice.to_owned())));
    }
    checks
}

fn check(name: &str, what: String, advice: Option<String>) -> Check {
    Check { name: name.to_owned(), what, advice }
}
