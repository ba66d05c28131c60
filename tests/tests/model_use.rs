//! A model takes another one's place in a running bot: no message is lost or answered twice, what does not work is refused, one can go back,
//! and a power cut in the middle leaves either the old model or the new one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use loquat_tests::program::{Ran, User, binary};
use loquat_tests::server::Server;
use serde_json::Value;

const ANY: [&str; 2] = ["--port", "0"];
const QUESTION: &str = "What is the capital of Bhutan?";
const MODEL: &str = "smollm2";

/// The English default in 8 bits, converted from its GGUF file as its user would.
fn int8(user: &User) -> PathBuf {
    // Whoever asks has it fetched.
    let asked = user.run(["ask", QUESTION]).unwrap();
    assert_eq!(asked.code, Some(0), "{asked:?}");
    let folder = user.cache().join("smollm2-135m-instruct/0.1.2");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let gguf =
        files.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "gguf")).unwrap();
    let target = user.path("trained");
    let ran = user.run([
        Path::new("model"),
        Path::new("import-gguf"),
        &gguf,
        Path::new("--quantize"),
        Path::new("int8"),
        Path::new("--output"),
        &target,
    ]);
    let ran = ran.unwrap();
    assert_eq!(ran.code, Some(0), "{ran:?}");
    target
}

fn model(user: &User, arguments: &[&str]) -> Ran {
    user.run(["model"].iter().chain(arguments)).unwrap()
}

fn use_it(user: &User, arguments: &[&str]) -> String {
    let ran = model(user, &[&["use", MODEL], arguments].concat());
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.out
}

/// Asks, and gives the hash of the model that answered.
fn ask(server: &Server, who: &str, id: &str) -> String {
    let mut events = server.listen(who).unwrap();
    assert_eq!(server.send(who, id, QUESTION).unwrap(), 202);
    loop {
        let (of, reply) = events.reply().unwrap();
        if of == id {
            assert!(reply["answer"].as_str().unwrap().contains("Thimphu"), "{reply}");
            return sha256(&reply);
        }
    }
}

fn sha256(reply: &Value) -> String {
    reply["model"]["sha256"].as_str().unwrap().to_owned()
}

/// Sends many messages in some conversations, without waiting for answers.
fn send(server: &Server, people: &[&str], ids: std::ops::Range<usize>) {
    for id in ids {
        for who in people {
            assert_eq!(server.send(who, &id.to_string(), QUESTION).unwrap(), 202);
        }
    }
}

/// The model that answered each message of a conversation, of which there are so many: each is answered once.
fn answered(server: &Server, who: &str, ids: &BTreeSet<String>) -> BTreeMap<String, String> {
    let mut events = server.listen(who).unwrap();
    let mut by = BTreeMap::new();
    while by.len() < ids.len() {
        let (of, reply) = events.reply().unwrap();
        assert!(ids.contains(&of), "{of} was never sent");
        assert!(by.insert(of, sha256(&reply)).is_none(), "answered twice");
    }
    by
}

#[test]
fn a_running_bot_takes_up_a_model_and_goes_back_and_drops_nothing() {
    let user = User::new().unwrap();
    let trained = int8(&user);
    let trained_path = trained.to_str().unwrap();
    let people = ["ann", "bob", "cyd"];
    let server = Server::start(&user, &ANY).unwrap();
    let old = ask(&server, "dan", "0");

    let new = std::thread::scope(|scope| {
        let sending = scope.spawn(|| send(&server, &people, 0..8));
        let said = use_it(&user, &[trained_path]);
        assert!(said.contains("taken up by the running bot") && said.contains("trained"), "{said}");
        let new = ask(&server, "dan", "1");
        sending.join().unwrap();
        new
    });
    assert_ne!(old, new);
    let ids: BTreeSet<String> = (0..8).map(|id| id.to_string()).collect();
    for who in people {
        let by = answered(&server, who, &ids);
        assert!(by.values().all(|model| [&old, &new].contains(&model)), "{by:?}");
    }
    assert!(server.says("the old model is freed"));
    let listed = model(&user, &["list"]).out;
    assert!(listed.contains(trained_path) && listed.contains("the config's own"), "{listed}");

    // What does not work is refused, and the model in use stays.
    let broken = user.path("broken");
    std::fs::create_dir(&broken).unwrap();
    for entry in std::fs::read_dir(&trained).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let is_weights = path.extension().is_some_and(|ending| ending == "data");
        let kept = if is_weights { &bytes[..bytes.len() / 2] } else { &bytes[..] };
        std::fs::write(broken.join(path.file_name().unwrap()), kept).unwrap();
    }
    for path in [broken.as_path(), &user.path("nowhere")] {
        let refused = model(&user, &["use", MODEL, path.to_str().unwrap()]);
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.err.contains(path.to_str().unwrap()), "{refused:?}");
    }
    assert_eq!(ask(&server, "dan", "2"), new);

    assert!(use_it(&user, &["--rollback"]).contains("SmolLM2-135M-Instruct"));
    assert_eq!(ask(&server, "dan", "3"), old);
    let refused = model(&user, &["use", MODEL, "--rollback"]);
    assert!(refused.code == Some(1) && refused.err.contains("nothing to go back to"), "{refused:?}");
    drop(server);

    // Without a bot, the next one takes it up.
    let said = use_it(&user, &[trained_path]);
    assert!(said.contains("no bot runs here"), "{said}");
    let server = Server::start(&user, &ANY).unwrap();
    assert_eq!(ask(&server, "dan", "4"), new);
    assert!(use_it(&user, &["--reset"]).contains("SmolLM2-135M-Instruct"));
    assert_eq!(ask(&server, "dan", "5"), old);
}

#[test]
fn a_power_cut_while_a_model_is_taken_up_loses_no_message_and_leaves_one_of_the_two() {
    let user = User::new().unwrap();
    let trained = int8(&user);
    let mut known = BTreeSet::new();
    let mut ids = BTreeSet::new();
    // Before it is taken, while the model is opened, about when it is done.
    for (round, milliseconds) in [200, 1300, 2600].into_iter().enumerate() {
        let mut server = Server::start(&user, &ANY).unwrap();
        let mut command = user.command(binary().unwrap());
        command.args(["model", "use", MODEL]).arg(&trained);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut asking = command.spawn().unwrap();
        for id in [2 * round, 2 * round + 1] {
            assert_eq!(server.send("ann", &id.to_string(), QUESTION).unwrap(), 202);
            ids.insert(id.to_string());
        }
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        server.kill().unwrap();
        asking.kill().unwrap();
        asking.wait().unwrap();

        let server = Server::start(&user, &ANY).unwrap();
        let by = answered(&server, "ann", &ids);
        known.extend(by.into_values());
        let is_new = model(&user, &["list"]).out.contains(trained.to_str().unwrap());
        let model = ask(&server, "bob", &round.to_string());
        let own = use_own(&user, is_new);
        assert_eq!(
            ask(&server, "bob", &format!("own-{round}")) == model,
            !is_new,
            "the file says what is used"
        );
        assert!(own.is_empty() || own.contains("SmolLM2-135M-Instruct"), "{own}");
        known.insert(model);
    }
    assert!(known.len() <= 2, "{known:?}");
}

#[test]
fn a_bot_that_still_starts_takes_up_what_is_chosen_meanwhile() {
    let user = User::new().unwrap();
    let trained = int8(&user);
    // The bot's own model is one whose reading the test holds up.
    let slow = user.path("slow");
    std::fs::create_dir(&slow).unwrap();
    for entry in std::fs::read_dir(&trained).unwrap() {
        let path = entry.unwrap().path();
        std::fs::hard_link(&path, slow.join(path.file_name().unwrap())).unwrap();
    }
    let (file, whole) = (slow.join("config.json"), slow.join("config.whole"));
    std::fs::rename(&file, &whole).unwrap();
    let text = std::fs::read(&whole).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    let user = user.with("LOQUAT_MODELS__SMOLLM2__PATH", &slow);

    std::thread::scope(|scope| {
        let starting = scope.spawn(|| Server::start(&user, &ANY).unwrap());
        // Can be opened once the bot reads it.
        let mut held = std::fs::File::options().write(true).open(&file).unwrap();
        std::fs::rename(&whole, &file).unwrap();
        let using = scope.spawn(|| use_it(&user, &[trained.to_str().unwrap()]));
        let requests = user.path(".local/share/loquat/loquat/journal.requests");
        let is_left = || {
            let mut names = std::fs::read_dir(&requests).into_iter().flatten();
            names.any(|entry| entry.unwrap().path().extension().is_some_and(|ending| ending == "request"))
        };
        while !is_left() {
            assert!(!using.is_finished(), "it does not wait for the bot: {}", using.join().unwrap());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        held.write_all(&text).unwrap();
        drop(held);
        let server = starting.join().unwrap();
        let said = using.join().unwrap();
        assert!(said.contains("is now trained") && said.contains("by the running bot"), "{said}");
        assert!(said.contains("before, it was slow"), "{said}");
        ask(&server, "ann", "0");
    });
}

/// Goes back to the config's own model, where another is in use.
fn use_own(user: &User, is_new: bool) -> String {
    if is_new { use_it(user, &["--reset"]) } else { String::new() }
}
