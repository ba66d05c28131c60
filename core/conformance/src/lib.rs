//! The conformance kit: what a connector promises, tried out against a fake of its platform.
//!
//! A connector's author writes two things: a fake of the platform ([`Platform`]) and how the connector is connected to it
//! ([`Fixture`]). One line then runs every check:
//!
//! ```ignore
//! loquat_conformance::conformance!(MyFixture);
//! ```
//!
//! The fake runs in the test's process. The bot runs in another, which is this same test binary started again; it has the real
//! journal and the real dispatch, and answers each message with an echo. So the kit can kill it (SIGKILL) before and after any
//! step, and start it again, while the fake goes on like a platform does. What people saw is then compared with what the
//! journal says: nothing lost, nothing out of order, nothing doubled, nothing unknown that does not say so.
//!
//! The outcome is a scorecard. Where the crate has a `README.md` with the lines `<!-- conformance -->` and
//! `<!-- /conformance -->`, the scorecard has to stand between them. Where nothing does yet, it is put there; `LOQUAT_BLESS=1` puts it
//! in the place of another.
//! `LOQUAT_CONFORMANCE_ROUNDS=1000` kills at random moments so often, and `LOQUAT_CONFORMANCE_SEED` chooses the moments.

mod platform;

mod bot;
mod breaking;
mod script;
mod stage;

mod audit;
mod check;
mod scorecard;

use std::path::Path;

pub use platform::{Act, Command, Connector, Deed, Fault, Fixture, Heard, Platform, Press, Shown};

/// Makes a test of the module where it stands, which runs every check on a [`Fixture`].
#[macro_export]
macro_rules! conformance {
    ($fixture:ty) => {
        #[test]
        fn conformance() {
            $crate::run::<$fixture>(module_path!(), env!("CARGO_MANIFEST_DIR"));
        }
    };
}

/// Runs every check; [`conformance!`] calls it. In the bot's process it is the bot.
///
/// # Panics
/// Where a check fails, the scorecard in the README is not the present one, or the fake cannot be started.
pub fn run<F: Fixture>(module: &str, manifest_dir: &str) {
    if let Some(orders) = bot::Orders::given() {
        std::process::exit(match bot::run::<F>(&orders) {
            Ok(()) => 0,
            Err(error) => {
                report(&format!("the bot of the conformance kit: {error:#}"));
                1
            }
        });
    }
    // Test binaries name their tests without the crate.
    let inside = module.split_once("::").map_or("", |(_, inside)| inside);
    let test = if inside.is_empty() { "conformance".to_owned() } else { format!("{inside}::conformance") };
    let card = match check::all::<F>(&test) {
        Ok(card) => card,
        Err(error) => fail(&format!("the conformance kit could not run: {error:#}")),
    };
    report(&card.markdown());
    if !card.failures().is_empty() {
        fail(&format!("{} does not conform:\n{}", F::PLATFORM, card.failures().join("\n")));
    }
    let readme = Path::new(manifest_dir).join("README.md");
    if let Err(error) = card.keep(&readme) {
        fail(&error.to_string());
    }
}

#[expect(clippy::print_stdout, reason = "this is a test's output")]
fn report(text: &str) {
    println!("{text}");
}

#[expect(clippy::panic, reason = "this is how a test fails")]
fn fail(text: &str) -> ! {
    panic!("{text}")
}
