//! Stopping in good order. In: Ctrl-C and SIGTERM. Out: a flag that a run looks at.

use std::io::Write;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Context;

/// The exit code of a process that was ended by Ctrl-C, as shells have it.
const INTERRUPTED: i32 = 130;

/// A flag that is set when the process is asked to end. Asked again, it ends at once. `then` says what is done before it ends.
///
/// # Errors
/// When signals cannot be waited for.
pub fn flag(then: &'static str) -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .context("signals cannot be waited for")?;
    let asked = flag.clone();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            while signal().await.is_ok() {
                if asked.swap(true, Ordering::Relaxed) {
                    process::exit(INTERRUPTED);
                }
                let _ignored = writeln!(anstream::stderr(), "stopping {then}; once more stops at once");
            }
        });
    })?;
    Ok(flag)
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut ended = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = ended.recv() => Ok(()),
    }
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
