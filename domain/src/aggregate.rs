//! The aggregate: a fold of events that decides which events follow.

use event_schemas::{Events, Timestamp};

/// A state that is computed from the events of its stream.
pub trait Evolve: Default + Clone + Send + Sync + 'static {
    type Event: Events + Clone + Send + Sync + 'static;
    /// Applies an event that occurred at `at`. It cannot fail: the event has already been stored.
    fn evolve(&mut self, event: &Self::Event, at: Timestamp);
}

/// A command to an aggregate.
pub trait Decide<S: Evolve> {
    /// Why a command was refused. A refusal is a normal result, not a failure.
    type Rejection: std::error::Error + Send + Sync + 'static;
    /// Returns the events to append, or why the command is refused. An empty list means that nothing changes.
    fn decide(&self, state: &S, now: Timestamp) -> Result<Vec<S::Event>, Self::Rejection>;
}

impl<S: Evolve, C: Decide<S>> Decide<S> for &C {
    type Rejection = C::Rejection;
    fn decide(&self, state: &S, now: Timestamp) -> Result<Vec<S::Event>, C::Rejection> {
        (*self).decide(state, now)
    }
}

/// The parts of a rule's test: given these events, when this command is decided, then these events follow.
#[cfg(any(test, feature = "given"))]
pub mod given {
    use super::{Decide, Evolve};
    use event_schemas::Timestamp;
    use std::fmt::Debug;

    /// A state, and the time at which the next command is decided.
    pub struct Given<S> {
        pub state: S,
        pub now: Timestamp,
    }

    /// The state after these events, one second apart, the first at second 1 of 1970.
    pub fn given<S: Evolve>(events: impl IntoIterator<Item = S::Event>) -> Given<S> {
        let mut state = S::default();
        let mut second = 0;
        for event in events {
            second += 1;
            state.evolve(&event, Timestamp::from_secs(second));
        }
        Given { state, now: Timestamp::from_secs(second + 1) }
    }

    impl<S: Evolve> Given<S> {
        pub fn at(mut self, now: Timestamp) -> Self {
            self.now = now;
            self
        }
        pub fn when<C: Decide<S>>(self, command: C) -> Then<S, C::Rejection> {
            Then { outcome: command.decide(&self.state, self.now) }
        }
    }

    pub struct Then<S: Evolve, R> {
        outcome: Result<Vec<S::Event>, R>,
    }

    impl<S: Evolve, R: Debug> Then<S, R>
    where
        S::Event: Debug + PartialEq,
    {
        pub fn then(self, expected: impl IntoIterator<Item = S::Event>) {
            let expected: Vec<_> = expected.into_iter().collect();
            assert_eq!(self.outcome.expect("the command was refused"), expected);
        }
        pub fn then_nothing(self) {
            self.then([]);
        }
        pub fn then_rejected(self, expected: R)
        where
            R: PartialEq,
        {
            assert_eq!(self.outcome.expect_err("the command was accepted"), expected);
        }
    }
}
