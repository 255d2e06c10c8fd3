//! Long computations, which yield the processors to requests.

use std::io;
use std::thread::Builder;
use tokio::sync::oneshot;

/// The niceness of the thread: at 10 it gets a tenth of a processor that other threads want.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Runs a computation on a thread of its own with a low priority. `None` when it panicked, or no thread could be
/// started. A thread's priority cannot be raised again, so it is not one of the runtime's.
pub async fn run<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    start(compute).ok()?.await.ok()
}

/// Starts a computation on a thread of its own with a low priority. The receiver fails when the computation panicked.
///
/// # Errors
///
/// No thread could be started.
pub fn start<T: Send + 'static>(
    compute: impl FnOnce() -> T + Send + 'static,
) -> io::Result<oneshot::Receiver<T>> {
    let (sender, result) = oneshot::channel();
    Builder::new().name("low-priority".to_owned()).spawn(move || {
        lower_priority();
        // The request may be gone.
        let _unwanted = sender.send(compute());
    })?;
    Ok(result)
}

/// Linux has a priority for each thread. Elsewhere the thread keeps the priority of the process.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICENESS) {
        tracing::debug!(%error, "a long computation keeps its priority");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_computation_gives_its_result_and_a_panic_gives_none() {
        assert_eq!(run(|| 7).await, Some(7));
        assert_eq!(run(|| -> i32 { panic!("as it should") }).await, None);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_thread_of_the_computation_has_a_low_priority() {
        let priority = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).ok();
        let before = priority();
        let inside = run(priority).await.flatten();
        assert_eq!(inside, before.max(Some(NICENESS)));
        assert_eq!(priority(), before);
    }
}
