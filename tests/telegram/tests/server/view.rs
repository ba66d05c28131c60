//! The page that draws a chat. With `LOQUAT_TELEGRAM_PAGE=file`, it is written there to be looked at.

use loquat_fake_telegram::{Options, Saying};
use serde_json::json;

use crate::bot::start;

#[tokio::test]
async fn the_page_shows_what_people_see() {
    let (telegram, bot) = start(Options { bot_api_version: (10, 2), ..Options::default() }).await;
    let ann = telegram.user("Ann <3");
    let chat = telegram.private(&ann);
    let asked = telegram.say(chat, &ann, "How do I say <b>hello</b> in Chinese? 😀").unwrap().message;
    let html = "<b>Hello &amp; <i>you</i></b>: 你好\n<pre><code class=\"language-rust\">fn main() {\n    println!(\"&lt;你好&gt;\");\n}</code></pre>\n\
                and <code>inline</code>, <tg-spoiler>hidden</tg-spoiler>, <a href=\"https://example.org/\">a link</a>, <s>not</s> <u>this</u>\n\
                <blockquote>a quote\nof two lines</blockquote>\nafter it, @loquat_test_bot";
    let keyboard = json!({"inline_keyboard": [
        [{"text": "👍", "callback_data": "good"}, {"text": "👎", "callback_data": "bad"}],
        [{"text": "Talk to a human", "callback_data": "human"}, {"text": "Source", "url": "https://example.org/"}]
    ]});
    let sent = bot
        .call(
            "sendMessage",
            json!({"chat_id": chat, "text": html, "parse_mode": "HTML", "reply_markup": keyboard,
                   "reply_parameters": {"message_id": asked}}),
        )
        .await;
    telegram.react(chat, sent["message_id"].as_i64().unwrap(), &ann, &["👍"]).unwrap();
    telegram
        .say(chat, &ann, Saying { reply_to: sent["message_id"].as_i64(), ..Saying::from("and as a table?") })
        .unwrap();
    let table = "## Greetings\n\n| Language | Word | Length |\n|---|:-:|--:|\n| English | hello | 5 |\n| 中文 | **你好** | 2 |\n\n\
                 1. first\n   - inner\n2. second\n\n```python\nprint('hi')\n```\n\n> quoted";
    bot.call("sendRichMessage", json!({"chat_id": chat, "rich_message": {"markdown": table}})).await;
    bot.call("sendMessageDraft", json!({"chat_id": chat, "draft_id": 1, "text": "still writ"})).await;

    let page = reqwest::get(format!("{}/view/{chat}", telegram.url())).await.unwrap().text().await.unwrap();
    for part in [
        "Ann &lt;3",
        "How do I say &lt;b&gt;hello&lt;/b&gt; in Chinese? 😀",
        "<b>Hello &amp; <i>you</i></b>: 你好",
        "<pre><small>rust</small>fn main() {\n    println!(&quot;&lt;你好&gt;&quot;);\n}</pre>and <code>inline</code>",
        "<span class=\"spoiler\">hidden</span>",
        "<a title=\"https://example.org/\">a link</a>, <s>not</s> <u>this</u>",
        "<blockquote>a quote\nof two lines</blockquote>after it, <span class=\"mention\">@loquat_test_bot</span>",
        "<div class=\"key\">Talk to a human</div>",
        "<span>👍 1</span>",
        "<h2>Greetings</h2>",
        "<td style=\"text-align:center\"><b>你好</b></td>",
        "<li value=\"1\"><p>first</p><ul><li><p>inner</p></li></ul></li>",
        "still writ<div class=\"meta\">draft 1</div>",
    ] {
        assert!(
            page.replace("</div>", "").contains(&part.replace("</div>", "")),
            "the page lacks {part}:\n{page}"
        );
    }
    for foreign in ["<script", "src=", "href=", "url("] {
        assert!(!page.contains(foreign), "the page asks for something: {foreign}");
    }
    if let Some(file) = std::env::var_os("LOQUAT_TELEGRAM_PAGE") {
        std::fs::write(file, page).unwrap();
    }
}
