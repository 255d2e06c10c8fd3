//! Several accounts on one server: whether others ask at the same time, and the pace of each while they do.

use event_schemas::AccountId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For how long accounts count as asking at the same time.
const TOGETHER: Duration = Duration::from_secs(1);

/// How many requests of an account begin at once while other accounts ask.
const AT_ONCE: u32 = 50;

/// The longest wait of a request: a configured limit may allow more at once than over minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(3);

/// Knows whether more than one account asks.
#[derive(Default)]
pub(crate) struct Neighbours {
    last: Option<AccountId>,
    /// When a request was another account's than the one before.
    changed_at: Option<Instant>,
}

impl Neighbours {
    /// Notes a request of this account. Returns whether the account is the only one that asks.
    pub fn is_alone(&mut self, account: AccountId, now: Instant) -> bool {
        let before = self.last.replace(account);
        if before.is_some_and(|before| before != account) {
            self.changed_at = Some(now);
        }
        self.changed_at.is_none_or(|at| now.saturating_duration_since(at) >= TOGETHER)
    }
}

/// Spreads the requests of an account over time while other accounts ask. The rate limit allows an account many requests
/// at once, and all of them would stand before the others' next ones.
pub(crate) struct Pace {
    one_every: Duration,
    accounts: Mutex<Accounts>,
}

#[derive(Default)]
struct Accounts {
    neighbours: Neighbours,
    /// When the next request would begin if all began at the pace.
    next: HashMap<AccountId, Instant>,
}

impl Pace {
    /// `one_every` is the pause between two requests that the account's limit allows over time.
    pub fn new(one_every: Duration) -> Self {
        Self { one_every, accounts: Mutex::default() }
    }

    /// Waits until the request of this account may begin.
    pub async fn wait(&self, account: AccountId) {
        if let Some(begins) = self.begins(account, Instant::now()) {
            tokio::time::sleep_until(begins.into()).await;
        }
    }

    /// Notes that this account asks.
    pub fn note(&self, account: AccountId) {
        self.lock().neighbours.is_alone(account, Instant::now());
    }

    /// When the request may begin. `None` for at once.
    fn begins(&self, account: AccountId, now: Instant) -> Option<Instant> {
        let mut accounts = self.lock();
        let is_alone = accounts.neighbours.is_alone(account, now);
        let next = accounts.next.get(&account).copied().unwrap_or(now).max(now);
        if accounts.next.len() > 1_000 {
            accounts.next.retain(|_, next| *next > now);
        }
        accounts.next.insert(account, next + self.one_every);
        let begins = next.checked_sub(self.one_every * (AT_ONCE - 1))?;
        (!is_alone && begins > now).then_some(begins.min(now + LONGEST_WAIT))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: AccountId = AccountId::from_u128(1);
    const GLOBEX: AccountId = AccountId::from_u128(2);
    const EVERY: Duration = Duration::from_millis(4);

    #[test]
    fn an_account_is_alone_when_no_other_has_asked_for_a_second() {
        let mut neighbours = Neighbours::default();
        let began = Instant::now();
        let mut is_alone =
            |account, millis| neighbours.is_alone(account, began + Duration::from_millis(millis));
        assert!(is_alone(ACME, 0));
        assert!(!is_alone(GLOBEX, 1));
        assert!(!is_alone(GLOBEX, 1_000));
        assert!(is_alone(GLOBEX, 1_001));
        assert!(!is_alone(ACME, 1_002));
    }

    #[test]
    fn many_requests_at_once_are_spread_only_while_another_account_asks() {
        let began = Instant::now();
        let pace = Pace::new(EVERY);
        assert!((0..800).all(|_| pace.begins(ACME, began).is_none()));
        let pace = Pace::new(EVERY);
        pace.begins(GLOBEX, began);
        let begins: Vec<_> = (0..800).map(|_| pace.begins(ACME, began)).collect();
        assert!(begins[..50].iter().all(Option::is_none));
        for (further, begins) in (1..).zip(&begins[50..]) {
            assert_eq!(*begins, Some(began + EVERY * further));
        }
        // The other account waits for nothing.
        assert_eq!(pace.begins(GLOBEX, began), None);
        // Who asks at the pace does not wait.
        let later = began + EVERY * 800;
        for number in 0..1_000 {
            let now = later + EVERY * number;
            assert_eq!(pace.begins(GLOBEX, now), None);
            assert_eq!(pace.begins(ACME, now), None);
        }
    }

    #[test]
    fn accounts_that_do_not_ask_any_more_are_forgotten() {
        let began = Instant::now();
        let pace = Pace::new(EVERY);
        for account in 0..5_000 {
            pace.begins(AccountId::from_u128(account), began + EVERY * u32::try_from(account).unwrap_or(0));
        }
        assert!(pace.lock().next.len() <= 1_001);
    }
}
