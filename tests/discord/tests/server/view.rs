//! The page that draws a channel.

use loquat_fake_discord::Say;
use serde_json::{Value, json};

use crate::asking::Place;

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_drawn_as_people_see_it() {
    let place = Place::free().await;
    let question =
        place.discord.say(place.channel, place.ann, "What is a *loquat*? <script>alert(1)</script>").unwrap();
    let words = format!(
        "# Loquats\nA **fruit** of the __rose family__, *not* ~~a plum~~ a ||secret||, see [the tree](https://example.org/tree).\n\
         - First\n  - nested with `code *here*`\n    - deeper\n- Second\n1. one\n2. two\n\n\
         ```rust\nfn main() {{\n    println!(\"a < b\");\n}}\n```\n\
         > quoted\n> twice\n-# small print\n枇杷是一种水果。 <@{}> @everyone https://example.org/a_b_c. \\*plain\\*\n\
         | a | b |\n|---|---|\n| 1 | 2 |",
        place.ann
    );
    let sent = place.post(json!({
        "content": words,
        "message_reference": {"message_id": question},
        "embeds": [{"title": "Sources", "description": "1. [Tree](https://example.org/1)\n2. [Fruit](https://example.org/2)", "color": 0x57F287, "footer": {"text": "from the knowledge graph"}}],
        "components": [{"type": 1, "components": [
            {"type": 2, "style": 2, "label": "Why?", "custom_id": "why"},
            {"type": 2, "style": 3, "emoji": {"name": "👍"}, "custom_id": "up"},
            {"type": 2, "style": 4, "label": "Talk to a human", "custom_id": "human", "disabled": true},
            {"type": 2, "style": 5, "label": "More", "url": "https://example.org/"}]}],
    }));
    assert_eq!(sent.status, 200, "{sent:?}");
    let id = sent.json()["id"].as_str().unwrap().parse().unwrap();
    place.discord.react(id, place.ann, "👍").unwrap();
    place
        .discord
        .say(place.channel, place.ann, Say::from("thanks").file("notes.txt", "text/plain", "x"))
        .unwrap();
    let page = place.ask("GET", &format!("/view/{}", place.channel), &Value::Null).text;
    // To be looked at in a browser.
    std::fs::write(std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("view.html"), &page).unwrap();
    for piece in [
        "<em>loquat</em>? &lt;script&gt;",
        "<h1>Loquats</h1>",
        "A <strong>fruit</strong> of the <u>rose family</u>, <em>not</em> <s>a plum</s> a <span class=\"spoiler\">secret</span>",
        "<a href=\"https://example.org/tree\">the tree</a>",
        "<ul><li>First</li><ul><li>nested with <code>code *here*</code></li><ul><li>deeper</li></ul></ul><li>Second</li></ul><ol start=\"1\"><li>one</li><li>two</li></ol>",
        "<pre data-language=\"rust\"><code>fn main() {\n    println!(&quot;a &lt; b&quot;);\n}</code></pre>",
        "<blockquote><p>quoted<br>twice</p></blockquote><h6>small print</h6>",
        "枇杷是一种水果。 <span class=\"mention\">@ann</span> @everyone <a href=\"https://example.org/a_b_c\">https://example.org/a_b_c</a>. *plain*",
        "| a | b |<br>|---|---|",
        "<div class=\"embed-title\">Sources</div><ol start=\"1\">",
        "<button class=\"style4\" disabled>",
        "<span class=\"chip\">👍 1</span>",
    ] {
        assert!(page.contains(piece), "{piece} is not in {page}");
    }
    assert!(!page.contains("<script"), "{page}");
    assert_eq!(place.ask("GET", "/view/1", &Value::Null).status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn marks_are_read_as_discord_reads_them() {
    let place = Place::free().await;
    let cases = [
        ("**bold *both* bold**", "<strong>bold <em>both</em> bold</strong>"),
        ("***both***", "<strong><em>both</em></strong>"),
        ("a snake_case_word stays", "a snake_case_word stays"),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("**枇杷**是水果", "<strong>枇杷</strong>是水果"),
        ("`**code**` and ``a`b``", "<code>**code**</code> and <code>a`b</code>"),
        ("**not closed", "**not closed"),
        ("[no link](javascript:alert(1))", "[no link](javascript:alert(1))"),
        ("[a](<https://example.org/x>)", "<a href=\"https://example.org/x\">a</a>"),
        ("<@1> <@&1> <#1>", "@unknown-user</span>"),
        ("```not closed", "```not closed"),
        ("```\nplain\n```after", "<pre><code>plain</code></pre><p>after</p>"),
        ("before ```py\nx = 1\n```", "<p>before </p><pre data-language=\"py\"><code>x = 1</code></pre>"),
        (">>> all\nof it", "<blockquote><p>all<br>of it</p></blockquote>"),
        ("#no heading\n#### nor this", "#no heading<br>#### nor this"),
        ("**two\nlines**", "<strong>two<br>lines</strong>"),
    ];
    for (words, html) in cases {
        let id: loquat_fake_discord::Id =
            place.post(json!({"content": words})).json()["id"].as_str().unwrap().parse().unwrap();
        let page = place.ask("GET", &format!("/view/{}", place.channel), &Value::Null).text;
        assert!(page.contains(html), "{words}: no {html} in {}", page.split("<main>").nth(1).unwrap());
        place.discord.delete(id).unwrap();
    }
}
