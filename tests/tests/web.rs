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

use std::sync::Arc;

use driver::{Shared, browser, nothing, play};
use loquat_tests::program::User;
use loquat_tests::server::Server;

/// The bot of `examples/world`, and whose it is.
struct World {
    server: Server,
    user: User,
}

/// The bot that scenarios share which neither stop it nor set it up anew.
fn world() -> Arc<World> {
    static WORLD: Shared<World> = Shared::new();
    WORLD.get(|| {
        let user = User::new().unwrap();
        let server = Server::start(&user, &["--port", "0"]).unwrap();
        World { server, user }
    })
}

/// Plays a scenario on the shared bot.
fn on_the_world(scenario: &str) {
    if let Some(browser) = browser() {
        play(&browser, scenario, &world().server.link, &[], nothing);
    }
}

#[test]
fn a_question_is_answered_and_its_facts_are_walked() {
    on_the_world("ask");
}
