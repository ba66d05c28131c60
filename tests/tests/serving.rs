//! The real server: a person's conversation over HTTP, a port that is taken, Ctrl-C, a power cut, a second process.
#![cfg(unix)]

use loquat_tests::program::User;
use loquat_tests::server::Server;

const ONE: &str = "ann";
const OTHER: &str = "bob";

/// Any free port.
const ANY: [&str; 2] = ["--port", "0"];

#[test]
fn people_talk_while_a_second_process_is_turned_away() {
    let user = User::new().unwrap();
    let server = Server::start(&user, &ANY).unwrap();
    assert!(server.greeting.starts_with("Loquat is ready: http://127.0.0.1:"), "{}", server.greeting);
    assert_eq!(server.get("/health").unwrap(), (200, r#"{"status":"ok"}"#.to_owned()));
    assert!(server.get("/").unwrap().1.contains("<html"));

    let (mut one, mut other) = (server.listen(ONE).unwrap(), server.listen(OTHER).unwrap());
    assert_eq!(server.send(ONE, "1", "What is the capital of Bhutan?").unwrap(), 202);
    let (of, reply) = one.reply().unwrap();
    assert_eq!((of.as_str(), reply["outcome"].as_str()), ("1", Some("answered")));
    assert_eq!(reply["citations"][0]["object"], "Thimphu");
    assert!(reply["answer"].as_str().unwrap().contains("Thimphu"));

    // "Its" is Bhutan's here, and nobody's in the other conversation.
    assert_eq!(server.send(OTHER, "1", "What is its population?").unwrap(), 202);
    assert_eq!(server.send(ONE, "2", "What is its population?").unwrap(), 202);
    assert_eq!(other.reply().unwrap().1["outcome"], "abstained");
    let (of, reply) = one.reply().unwrap();
    assert_eq!((of.as_str(), reply["citations"][0]["subject"].as_str()), ("2", Some("Bhutan")));

    assert_eq!(server.send(ONE, "3", " ").unwrap(), 422);
    assert_eq!(server.send(ONE, "3", &"a".repeat(4001)).unwrap(), 413);

    let second = user.run(["serve", "--port", "0"]).unwrap();
    assert_eq!((second.code, second.out.as_str()), (Some(1), ""));
    assert!(second.err.contains(&format!("in use by process {}", server.id())), "{}", second.err);
    assert_eq!(server.get("/health").unwrap().0, 200);
}

#[test]
fn a_taken_port_is_said_and_the_next_free_one_used() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let user = User::new().unwrap();
    let server = Server::start(&user, &["--port", &port.to_string()]).unwrap();
    assert!(server.greeting.contains(&format!("(port {port} is taken)")), "{}", server.greeting);
    let used: u16 = server.link.rsplit(':').next().unwrap().parse().unwrap();
    assert!(used > port && used <= port + 20, "{used}");
    assert_eq!(server.get("/health").unwrap().0, 200);
}

#[test]
fn ctrl_c_finishes_the_replies_in_flight_and_the_next_start_has_nothing_left_to_do() {
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &ANY).unwrap();
    assert!(server.says("importing"), "the first start builds the graph: {}", server.said());
    let mut events = server.listen(ONE).unwrap();
    let countries = ["Bhutan", "Nepal", "Japan", "Kenya"];
    for country in countries {
        let question = format!("What is the capital of {country}?");
        assert_eq!(server.send(ONE, country, &question).unwrap(), 202);
    }
    // The last of these can hardly be answered within the moment since it was accepted.
    server.interrupt().unwrap();
    for country in countries {
        let (of, reply) = events.reply().unwrap();
        assert_eq!((of.as_str(), reply["citations"][0]["subject"].as_str()), (country, Some(country)));
    }
    assert!(events.next().is_none(), "then the stream ends");
    assert_eq!(server.wait().unwrap(), Some(0));
    assert!(server.says("replies in flight are finished first"), "{}", server.said());

    let mut again = Server::start(&user, &ANY).unwrap();
    for work in ["importing", "converting", "downloading", "verifying"] {
        assert!(!again.said().contains(work), "{}", again.said());
    }
    // Everything was answered, so nothing is answered again: a page gets what was said, and then the reply to what is asked now.
    let mut events = again.listen(ONE).unwrap();
    assert_eq!(again.send(ONE, "Nepal", "What is the capital of Nepal?").unwrap(), 202);
    assert_eq!(again.send(ONE, "new", "What is the capital of Peru?").unwrap(), 202);
    for country in countries {
        assert_eq!(events.reply().unwrap().0, country);
    }
    assert_eq!(events.reply().unwrap().0, "new");
    let ledger = user.run(["ledger", "--json"]).unwrap();
    assert_eq!((ledger.code, ledger.out.lines().count()), (Some(0), 5), "{ledger:?}");
    again.interrupt().unwrap();
    assert_eq!(again.wait().unwrap(), Some(0));
}

#[test]
fn an_accepted_message_survives_a_power_cut_and_is_answered_once() {
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &ANY).unwrap();
    assert_eq!(server.send(ONE, "1", "What is the capital of Bhutan?").unwrap(), 202);
    assert_eq!(server.send(ONE, "2", "And its population?").unwrap(), 202);
    server.kill().unwrap();

    let server = Server::start(&user, &ANY).unwrap();
    let mut events = server.listen(ONE).unwrap();
    let (of, reply) = events.reply().unwrap();
    assert_eq!((of.as_str(), reply["citations"][0]["object"].as_str()), ("1", Some("Thimphu")));
    let (of, reply) = events.reply().unwrap();
    assert_eq!((of.as_str(), reply["citations"][0]["predicate"].as_str()), ("2", Some("population")));
    // The page sends again what it got no reply to; that is the same message.
    assert_eq!(server.send(ONE, "1", "What is the capital of Bhutan?").unwrap(), 202);
    assert_eq!(server.send(ONE, "3", "What is the capital of Nepal?").unwrap(), 202);
    assert_eq!(events.reply().unwrap().0, "3");
}
