//! The web chat in a real browser: the real program with its real model, and people at Debian's Chromium, driven by the scenarios of
//! `tests/web/scenarios`. Prints `SKIPPED` where no browser is installed. Pictures of what they saw go to the folder that `LOQUAT_LOOK`
//! names, else to `target/tmp/web-pictures`.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what a test cannot do without fails it, and shows why"
)]

#[path = "web/driver.rs"]
mod driver;
#[path = "web/install.rs"]
mod install;
#[path = "web/parrot.rs"]
mod parrot;

use std::net::TcpListener;
use std::sync::Arc;

use driver::{Shared, browser, nothing, play};
use loquat_tests::program::User;
use loquat_tests::server::Server;

/// The largest file that the bot takes here, in bytes.
const LARGEST: &str = "100000";

/// The bot of `examples/world`, whose it is, and the port of the site that may hold its widget.
struct World {
    server: Server,
    user: User,
    site: String,
}

/// A port that nobody uses at the moment.
fn free_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string()
}

/// The bot that scenarios share which neither stop it nor set it up anew.
fn world() -> Arc<World> {
    static WORLD: Shared<World> = Shared::new();
    WORLD.get(|| {
        let site = free_port();
        let user = User::new().unwrap();
        let origin = format!("connectors.web.origins=http://localhost:{site}");
        let largest = format!("connectors.web.files.max_bytes={LARGEST}");
        // Scenarios ask in quick succession.
        let often = "connectors.web.limits.messages_per_minute=0";
        let together = "connectors.web.limits.address_messages_per_minute=0";
        let (patient, calm) = ("access.messages_per_minute=0", "access.conversation_messages_per_minute=0");
        let settings = [origin.as_str(), &largest, often, together, patient, calm];
        let arguments: Vec<&str> =
            ["--port", "0"].into_iter().chain(settings.into_iter().flat_map(|set| ["--set", set])).collect();
        World { server: Server::start(&user, &arguments).unwrap(), user, site }
    })
}

/// Plays a scenario on the shared bot; what is left to look at afterwards.
fn on_the_world(scenario: &str) -> Option<Arc<World>> {
    let browser = browser()?;
    let world = world();
    play(&browser, scenario, &world.server.link, &[("max", LARGEST)], nothing);
    Some(world)
}

/// Plays a scenario on the shared bot with sites that hold its widget; only one can have the site's port at a time.
fn on_sites(scenario: &str) {
    static SITE: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _alone = SITE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(browser) = browser() {
        let world = world();
        play(&browser, scenario, &world.server.link, &[("port", &world.site)], nothing);
    }
}

#[test]
fn a_question_is_answered_as_it_is_written_and_its_facts_are_walked() {
    on_the_world("ask");
}

#[test]
fn a_reload_in_the_middle_of_an_answer_loses_and_doubles_nothing() {
    on_the_world("reload");
}

#[test]
fn two_tabs_show_each_message_once() {
    on_the_world("tabs");
}

#[test]
fn what_is_written_without_a_network_is_sent_once_there_is_one() {
    on_the_world("offline");
}

#[test]
fn a_killed_bot_is_found_again_and_answers_once() {
    let Some(browser) = browser() else { return };
    let user = User::new().unwrap();
    let mut server = Server::start(&user, &["--port", "0"]).unwrap();
    let (link, port) = (server.link.clone(), server.link.rsplit(':').next().unwrap().to_owned());
    play(&browser, "killed", &link, &[], |deed| {
        match deed {
            "kill" => server.kill().unwrap(),
            "start" => server = Server::start(&user, &["--port", &port]).unwrap(),
            other => panic!("nobody can {other}"),
        }
        assert_eq!(server.link, link, "it is where it was");
        "done".to_owned()
    });
}

#[test]
fn stop_takes_back_what_is_not_answered_and_leaving_does_not() {
    on_the_world("stop");
}

#[test]
fn a_question_is_edited_and_an_answer_tried_again() {
    on_the_world("change");
}

#[test]
fn a_bad_answer_is_rated_with_the_reason_and_the_operator_reads_both() {
    let Some(world) = on_the_world("feedback") else { return };
    let told = world.user.run(["feedback", "--format", "jsonl"]).unwrap();
    assert_eq!(told.code, Some(0), "{told:?}");
    assert!(told.out.contains("It should say where that is."), "{told:?}");
    assert!(told.out.contains("What is the capital of Bhutan?"), "{told:?}");
}

#[test]
fn files_go_with_a_message_and_come_back_as_they_were() {
    on_the_world("upload");
}

#[test]
fn a_conversation_is_exported_and_everything_of_a_person_deleted() {
    let Some(browser) = browser() else { return };
    let world = world();
    // Nobody else asks for it, so that it can be told from what others said.
    let secret = "What is the capital of Liechtenstein?";
    play(&browser, "export", &world.server.link, &[("secret", secret)], nothing);
    let ledger = world.user.run(["ledger", "--json"]).unwrap();
    assert_eq!(ledger.code, Some(0), "{ledger:?}");
    assert!(!ledger.out.contains("Liechtenstein"), "what was deleted is still in the journal");
    assert!(ledger.out.contains("Kenya"), "and what was said afterwards is there");
}

#[test]
fn on_a_phone_everything_fits() {
    on_the_world("phone");
}

#[test]
fn in_the_dark_the_page_is_dark() {
    on_the_world("dark");
}

#[test]
fn in_chinese_the_page_is_chinese() {
    on_the_world("chinese");
}

#[test]
fn everything_works_by_the_keyboard_alone() {
    on_the_world("keyboard");
}

#[test]
fn the_widget_works_inside_sites_that_mean_it_no_good() {
    on_sites("widget");
}

#[test]
fn a_site_dresses_the_widget_and_another_may_not_hold_it() {
    on_sites("sites");
}

#[test]
fn axe_finds_nothing_serious_in_any_state() {
    on_sites("axe");
}

#[test]
fn on_a_careless_page_the_attacks_do_run() {
    if let Some(browser) = browser() {
        play(&browser, "control", "http://127.0.0.1:1", &[], nothing);
    }
}

#[test]
fn no_attack_runs_before_an_operator_who_reads_it() {
    let Some(browser) = browser() else { return };
    let world = world();
    let made = world.user.run(["key", "new", "reader", "--scope", "operator"]).unwrap();
    assert_eq!(made.code, Some(0), "{}", made.err);
    play(&browser, "operators", &world.server.link, &[("key", made.out.trim())], nothing);
}

#[test]
fn no_attack_runs_whoever_says_it() {
    let Some(browser) = browser() else { return };
    let site = free_port();
    let parrot = parrot::Running::start(&format!("http://localhost:{site}"));
    play(&browser, "attacks", &parrot.link, &[("port", &site)], nothing);
}
