//! The current error of a part of the program, for the readiness check.

use std::sync::{Arc, Mutex, PoisonError};

/// The current error. Clones share it: the task that works sets it, and the readiness check reads it.
#[derive(Clone, Default)]
pub struct Health(Arc<Mutex<Option<String>>>);

impl Health {
    /// The part works again.
    pub fn clear_error(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
    pub fn set_error(&self, error: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
    /// `None` when the part works.
    pub fn error(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
