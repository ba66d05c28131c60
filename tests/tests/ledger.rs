//! What an operator sees and does: the ledger, dead letters, a person's data, codes, a replay; on a running bot and without one.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what a test cannot do without fails it")]

use std::fs;
use std::path::Path;

use loquat_tests::program::{User, binary, finish};
use loquat_tests::server::Server;
use serde_json::Value;

const ONE: &str = "ann";
const OTHER: &str = "bob";
const ANY: [&str; 2] = ["--port", "0"];
const QUESTION: &str = "What is the capital of Bhutan?";

fn ask(server: &Server, conversation: &str, id: &str, text: &str) -> Value {
    let mut events = server.listen(conversation).unwrap();
    assert_eq!(server.send(conversation, id, text).unwrap(), 202);
    // What became of earlier messages, such as that an operator closed one, is told too.
    let answer = events.find_map(|event| {
        let event = event.unwrap();
        let is_answer = ["reply", "problem"].contains(&event.name.as_str());
        (is_answer && event.data["in_reply_to"] == id).then_some(event)
    });
    let mut answer = answer.unwrap();
    assert_eq!(answer.name, "reply", "{}", answer.data);
    answer.data["reply"].take()
}

fn run(user: &User, arguments: &[&str]) -> String {
    let ran = user.run(arguments).unwrap();
    assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    ran.out
}

fn states(user: &User) -> Vec<String> {
    let state = |line: &str| line.split_whitespace().nth(2).unwrap().to_owned();
    run(user, &["ledger"]).lines().map(state).collect()
}

#[test]
fn what_happened_is_in_the_ledger_and_an_operator_acts_on_it() {
    let user = User::new().unwrap();
    assert!(user.run(["ledger"]).unwrap().err.contains("no journal"));
    let mut server = Server::start(&user, &ANY).unwrap();
    ask(&server, ONE, "1", QUESTION);
    // The page may have the reply a moment before the journal notes it.
    while states(&user) != ["delivered"] {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let shown = run(&user, &["ledger", "show", "1"]);
    assert!(shown.contains("Thimphu") && shown.contains("Bhutan — capital — Thimphu"), "{shown}");
    let conversation = format!("Loquat/{}", server.conversation(ONE).unwrap());
    assert_eq!(run(&user, &["ledger", "--conversation", &conversation]).lines().count(), 1);
    assert!(run(&user, &["ledger", "--state", "unknown"]).contains("nothing of that kind"));
    let refused = user.run(["ledger", "discard", "1"]).unwrap();
    assert!(refused.code == Some(1) && refused.err.contains("settled"), "{refused:?}");
    assert!(run(&user, &["ledger", "retry", "1"]).contains("on its way again"));
    let refused = user.run(["ledger", "retry", "99"]).unwrap();
    assert!(refused.code == Some(1) && refused.err.contains("no entry 99"), "{refused:?}");

    for id in ["2", "3"] {
        assert_eq!(server.send(ONE, id, QUESTION).unwrap(), 202);
    }
    server.kill().unwrap();
    let owed: Vec<String> = states(&user).into_iter().filter(|state| state != "delivered").collect();
    if owed.last().is_some_and(|last| last == "accepted") {
        assert!(run(&user, &["ledger", "discard", "3"]).contains("given up"));
        let server = Server::start(&user, &ANY).unwrap();
        ask(&server, ONE, "4", QUESTION);
        assert_eq!(states(&user)[2], "closed");
        assert!(!run(&user, &["ledger", "show", "3"]).contains("Thimphu"));
    }
}

/// The files below a folder that have one of these texts in them.
fn traces(folder: &Path, texts: &[&str]) -> Vec<String> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let has = |text: &&&str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            found.extend(texts.iter().find(has).map(|text| format!("{text} in {}", path.display())));
        }
    }
    found
}

#[test]
fn a_person_is_exported_and_erased_without_a_trace() {
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &ANY).unwrap();
    let secret = "My name is Zebulon Quirk. What is the capital of Bhutan?";
    ask(&server, ONE, "1", secret);
    ask(&server, OTHER, "1", QUESTION);
    let person = server.person(ONE).unwrap();
    let ids = |who: &str| {
        let (person, conversation) = (server.person(who).unwrap(), server.conversation(who).unwrap());
        [person["web:guest:".len()..].to_owned(), conversation["web/".len()..].to_owned()]
    };
    let (one, other) = (ids(ONE), ids(OTHER));
    let of_one = ["Zebulon", &one[0], &one[1]];
    let exported = run(&user, &["person", "export", &person]);
    assert_eq!(exported.lines().count(), 1);
    assert!(exported.contains(secret) && exported.contains("Thimphu"), "{exported}");
    let refused = user.run(["person", "erase", &person]).unwrap();
    assert!(refused.code == Some(1) && refused.err.contains("--yes"), "{refused:?}");
    assert!(!traces(&user.path(""), &of_one).is_empty(), "the search finds what is there");

    // While the bot runs.
    assert!(run(&user, &["person", "erase", &person, "--yes"]).contains("1 messages and the replies"));
    assert_eq!(traces(&user.path(""), &of_one), [""; 0]);
    assert!(run(&user, &["person", "erase", &person, "--yes"]).contains("nothing of"));
    assert_eq!(run(&user, &["person", "export", &person]), "");
    assert_eq!(run(&user, &["ledger"]).lines().count(), 1, "others keep theirs");
    // Nor does the page get it any more: the first answer that it hears is to what is asked now.
    let mut events = server.listen(ONE).unwrap();
    assert_eq!(server.send(ONE, "9", QUESTION).unwrap(), 202);
    assert_eq!(events.reply().unwrap().0, "9");
    drop(events);
    run(&user, &["person", "erase", &person, "--yes"]);
    server.kill().unwrap();
    assert_eq!(traces(&user.path(""), &of_one), [""; 0]);
    assert!(
        run(&user, &["person", "erase", &format!("web:guest:{}", other[0]), "--yes"])
            .contains("1 messages and the replies")
    );
    assert_eq!(traces(&user.path(""), &[other[0].as_str(), &other[1]]), [""; 0]);
}

#[test]
fn a_code_lets_one_person_in() {
    let user = User::new().unwrap().with("LOQUAT_ACCESS__ALLOW", "irc:somebody");
    let server = Server::start(&user, &ANY).unwrap();
    assert_eq!(server.send(ONE, "1", QUESTION).unwrap(), 403);
    let ann = server.person(ONE).unwrap();
    let code = run(&user, &["access", "pair"]);
    assert_eq!(server.send(ONE, "2", code.trim()).unwrap(), 202);
    assert_eq!(server.send(OTHER, "2", code.trim()).unwrap(), 403, "one person");
    assert_eq!(ask(&server, ONE, "3", QUESTION)["outcome"], "answered");
    assert_eq!(run(&user, &["access", "list"]), format!("{ann}\n"));
    run(&user, &["access", "remove", &ann]);
    assert_eq!(server.send(ONE, "4", QUESTION).unwrap(), 403);
}

#[test]
fn a_conversation_is_replayed_to_the_same_tokens() {
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &ANY).unwrap();
    ask(&server, ONE, "1", QUESTION);
    ask(&server, ONE, "2", "And its currency?");
    server.interrupt().unwrap();
    server.wait().unwrap();
    let conversation = format!("Loquat/{}", server.conversation(ONE).unwrap());
    let same = run(&user, &["replay", &conversation]);
    assert!(same.contains("2 replies, 0 of them differ"), "{same}");
    let other = user.run(["--set", "bot.persona=You are a pirate.", "replay", &conversation]).unwrap();
    assert_eq!(other.code, Some(1));
    assert!(other.out.contains("the tokens"), "the prompt is another: {other:?}");
    let nothing = user.run(["replay", "Loquat/web/nobody"]).unwrap();
    assert!(nothing.err.contains("no answered message"), "{nothing:?}");
}

#[test]
fn a_damaged_journal_is_read_around_the_damage_and_said() {
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &ANY).unwrap();
    for id in ["1", "2", "3"] {
        ask(&server, ONE, id, QUESTION);
    }
    server.interrupt().unwrap();
    server.wait().unwrap();
    let segment = user.path(".local/share/loquat/loquat/journal/0000000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let text = QUESTION.as_bytes();
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let ran = user.run(["ledger"]).unwrap();
    assert_eq!((ran.code, ran.out.lines().count()), (Some(3), 2), "{ran:?}");
    assert!(ran.err.contains("damaged") && ran.err.contains("0000000001.seg"), "{}", ran.err);
    let doctor = user.run(["doctor"]).unwrap();
    assert!(doctor.out.contains("ledger compact"), "{}", doctor.out);
    let mut server = Server::start(&user, &ANY).unwrap();
    assert!(server.says("the journal is damaged"), "{}", server.said());
    assert_eq!(ask(&server, ONE, "4", QUESTION)["outcome"], "answered");
    server.interrupt().unwrap();
    server.wait().unwrap();
    run(&user, &["ledger", "compact"]);
    assert_eq!(run(&user, &["ledger"]).lines().count(), 3);
}

#[test]
fn a_full_or_read_only_disk_keeps_what_is_there_readable() {
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &ANY).unwrap();
    ask(&server, ONE, "1", QUESTION);
    server.interrupt().unwrap();
    server.wait().unwrap();
    fs::create_dir(user.path("small")).unwrap();
    let shell = ["unshare", "--user", "--map-root-user", "--mount", "sh"];
    let mount = "mount -t tmpfs -o size=1m none small || exit";
    let mut trial = user.command(shell[0]);
    trial.args(&shell[1..]).args(["-c", mount]);
    if !trial.status().is_ok_and(|status| status.success()) {
        println!("SKIPPED: this machine lets nobody mount a small disk");
        return;
    }
    let script = format!(
        "loquat() {{ {program} --set journal.folder=small/journal \"$@\"; }}\n{mount}\n\
         cp -r .local/share/loquat/loquat/journal small/journal\n\
         head -c 2000000 /dev/zero > small/full 2>/dev/null\n\
         loquat ledger; echo \"full: $?\"\n\
         loquat ledger compact; echo \"compact: $?\"\n\
         rm small/full; mount -o remount,ro small\n\
         loquat ledger; echo \"read-only: $?\"\n\
         loquat ledger retry 1; echo \"retry: $?\"\n\
         loquat serve --port 0; echo \"serve: $?\"\n",
        program = binary().unwrap().display(),
    );
    let mut command = user.command(shell[0]);
    command.args(&shell[1..]).args(["-c", &script]);
    let ran = finish(command, "").unwrap();
    for expected in ["full: 0", "compact: 1", "read-only: 0", "retry: 1", "serve: 1"] {
        assert!(ran.out.contains(expected), "{expected}: {ran:?}");
    }
    assert_eq!(ran.out.matches("delivered").count(), 2, "{ran:?}");
    assert!(ran.err.contains("check the space and the rights of its folder"), "{ran:?}");
}
