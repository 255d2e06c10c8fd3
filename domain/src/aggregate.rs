//! The aggregate: a fold of events that decides which events follow.

use event_schemas::{Events, Timestamp};

/// A state that is the fold of its stream.
pub trait Evolve: Default + Clone + Send + Sync + 'static {
    type Event: Events + Clone + Send + Sync + 'static;
    /// Remembers what happened, `at` being when it occurred. Cannot refuse: the past is not up for debate.
    fn evolve(&mut self, event: &Self::Event, at: Timestamp);
}

/// Something asked of an aggregate.
pub trait Decide<S: Evolve> {
    /// Why a command was refused. Part of the language, not a failure.
    type Rejection: std::error::Error + Send + Sync + 'static;
    /// Says what happens, or why it may not. An empty answer means that nothing has to.
    fn decide(&self, state: &S, now: Timestamp) -> Result<Vec<S::Event>, Self::Rejection>;
}

impl<S: Evolve, C: Decide<S>> Decide<S> for &C {
    type Rejection = C::Rejection;
    fn decide(&self, state: &S, now: Timestamp) -> Result<Vec<S::Event>, C::Rejection> {
        (*self).decide(state, now)
    }
}

/// Given what happened, when something is asked, then this follows: how a rule's test reads.
#[cfg(any(test, feature = "given"))]
pub mod given {
    use super::{Decide, Evolve};
    use event_schemas::Timestamp;
    use std::fmt::Debug;

    /// A state and the moment at which the next thing is asked.
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
