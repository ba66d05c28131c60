//! A bot whose graph is a SPARQL endpoint, when that is down: each command says so, and what to do. `kg/sparql/tests` has it up.

use std::net::TcpListener;

use loquat_tests::program::User;

#[test]
fn every_command_names_the_endpoint_that_is_down_and_no_secret() {
    let user = User::new().unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let config = format!("[graph.sparql]\nendpoint = \"http://{closed}/query\"\ntoken = \"hush-hush\"\n");
    user.write("loquat.toml", config).unwrap();
    user.write("more.tsv", "a\tp\tb\n").unwrap();
    for arguments in
        [&["kg", "link", "Bhutan"][..], &["kg", "show", "Bhutan"], &["kg", "stats"], &["ask", "Bhutan?"]]
    {
        let ran = user.run(arguments).unwrap();
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.err.contains(&closed.to_string()) && ran.err.contains("start it"), "{ran:?}");
        assert!(!format!("{ran:?}").contains("hush"), "{ran:?}");
    }
    let ran = user.run(["kg", "import", "more.tsv"]).unwrap();
    assert!(ran.code == Some(1) && ran.err.contains("graph.sparql.endpoint"), "{ran:?}");
    let ran = user.run(["doctor"]).unwrap();
    assert!(ran.code == Some(1) && ran.out.contains("cannot be reached"), "{ran:?}");
    let ran = user.run(["config", "show"]).unwrap();
    assert!(ran.out.contains("[redacted]") && !ran.out.contains("hush"), "{ran:?}");
}
