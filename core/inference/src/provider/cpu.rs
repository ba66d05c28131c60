//! The processor. In: threads and their options. Out: a session builder that runs with them. Must not know: other providers.
//!
//! ONNX Runtime runs an operator on the thread that asks for it and on a pool of one thread less than `threads`. Numbers have the type
//! that the graph gives them; the keys are those of `onnxruntime_session_options_config_keys.h`.

use ort::session::Session;
use ort::session::builder::SessionBuilder;

use crate::{InferenceError, Runtime};

/// How the processor's threads work on an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads {
    /// How many; 0 leaves it to ONNX Runtime.
    pub(crate) count: usize,
    /// Whether they wait for work by spinning.
    pub(crate) spin: bool,
}

/// How the processor works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuOptions {
    /// The processor, numbered from 0, that each thread of the pool stays on: one less than there are threads, because ONNX
    /// Runtime leaves the thread that asks where it is. None leaves all to the operating system.
    pub affinity: Vec<usize>,
    /// Whether the memory of the largest run is kept for the next; without it the peak is a little higher, and what stays lower.
    pub arena: bool,
    /// Whether numbers too small for the usual form count as 0: such numbers are slow on many processors, and a model whose weights
    /// or activations hold them gives slightly other logits.
    pub flush_denormals: bool,
}

impl Default for CpuOptions {
    fn default() -> Self {
        Self { affinity: Vec::new(), arena: true, flush_denormals: false }
    }
}

/// A builder with the processor's options, which hold for every provider: each leaves something to it.
pub(super) fn builder(
    runtime: &Runtime,
    threads: Threads,
    options: &CpuOptions,
) -> Result<SessionBuilder, InferenceError> {
    let mut builder = Session::builder(runtime.environment())?
        .with_intra_op_spinning(threads.spin)
        .map_err(ort::Error::from)?;
    if threads.count > 0 {
        builder = builder.with_intra_threads(threads.count).map_err(ort::Error::from)?;
    }
    if !options.affinity.is_empty() {
        check(&options.affinity, threads.count, &usable())
            .map_err(|reason| InferenceError::Affinity { reason })?;
        builder = builder
            .with_config_entry("session.intra_op_thread_affinities", entry(&options.affinity))
            .map_err(ort::Error::from)?;
    }
    if options.flush_denormals {
        builder = builder.with_flush_to_zero().map_err(ort::Error::from)?;
    }
    if !options.arena {
        // Patterns are plans of the arena's memory.
        builder = builder.with_memory_pattern(false).map_err(ort::Error::from)?;
        ort::ep::ExecutionProvider::register(
            &ort::ep::CPU::default().with_arena_allocator(false),
            &mut builder,
        )?;
    }
    Ok(builder)
}

/// ONNX Runtime numbers processors from 1, and separates threads by semicolons.
fn entry(affinity: &[usize]) -> String {
    affinity.iter().map(|processor| (processor + 1).to_string()).collect::<Vec<_>>().join(";")
}

/// The processors that this process may use; none where the system does not tell.
fn usable() -> Vec<usize> {
    #[cfg(target_os = "linux")]
    {
        let set = rustix::thread::sched_getaffinity(None);
        set.map(|set| (0..rustix::thread::CpuSet::MAX_CPU).filter(|&cpu| set.is_set(cpu)).collect())
            .unwrap_or_default()
    }
    #[cfg(not(target_os = "linux"))]
    Vec::new()
}

/// ONNX Runtime takes a wrong affinity as none, with a line in its log.
fn check(affinity: &[usize], threads: usize, usable: &[usize]) -> Result<(), String> {
    if threads == 0 {
        return Err(
            "it needs a number of threads: set `threads`, and one processor less than that".to_owned()
        );
    }
    if affinity.len() + 1 != threads {
        return Err(format!(
            "it names {} processors for {threads} threads; name {}, because the thread that asks stays where it is",
            affinity.len(),
            threads - 1
        ));
    }
    match affinity.iter().find(|processor| !usable.is_empty() && !usable.contains(processor)) {
        Some(wrong) => {
            let usable: Vec<String> = usable.iter().map(ToString::to_string).collect();
            Err(format!("this process may not use processor {wrong}; it may use {}", usable.join(", ")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, entry};

    #[test]
    fn a_wrong_affinity_is_refused_with_what_would_be_right() {
        assert_eq!(check(&[1, 3], 3, &[0, 1, 2, 3]), Ok(()));
        assert!(check(&[1], 0, &[0, 1]).unwrap_err().contains("set `threads`"));
        assert!(check(&[0, 1], 2, &[0, 1]).unwrap_err().contains("name 1,"));
        let error = check(&[7], 2, &[0, 1]).unwrap_err();
        assert!(error.contains("processor 7") && error.contains("0, 1"), "{error}");
        assert_eq!(check(&[7], 2, &[]), Ok(()), "where the system does not tell");
    }

    #[test]
    fn processors_are_counted_from_one_by_onnx_runtime() {
        assert_eq!(entry(&[0, 2, 5]), "1;3;6");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells_which_processors_there_are() {
        let usable = super::usable();
        assert!(!usable.is_empty());
        assert!(usable.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
