//! Passwords: their hashes by Argon2id (RFC 9106), with the parameters that OWASP's Password Storage Cheat Sheet names
//! first: 19 MiB of memory, 2 iterations, 1 lane.

use super::PeopleError;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use event_schemas::Clock;
use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// The fewest characters of a password (NIST SP 800-63B asks for at least 8, and recommends more).
const SHORTEST: usize = 12;
/// The most bytes: more would only cost time.
const LONGEST: usize = 1_024;
/// A hash that no password fits, as costly as every other: it is checked when there is none.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords, as many at a time as there are processors: each takes 19 MiB.
pub struct Passwords(Semaphore);

impl Default for Passwords {
    fn default() -> Self {
        Self(Semaphore::new(available_parallelism().map_or(1, NonZeroUsize::get)))
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

impl Passwords {
    /// The hash of a password, in the PHC string format.
    pub(super) async fn hash(&self, password: String, clock: &Clock) -> Result<String, PeopleError> {
        let salt = clock.fresh_key();
        let hash = self.run(move || {
            let hash = argon2().hash_password_with_salt(password.as_bytes(), &salt[..16]);
            hash.map(|hash| hash.to_string())
        });
        hash.await?.map_err(|error| PeopleError::Hashing(Box::new(error)))
    }

    /// Whether the password fits this hash. Without one it does not, and takes the same time.
    pub(super) async fn fits(&self, password: String, hash: Option<String>) -> Result<bool, PeopleError> {
        let has_hash = hash.is_some();
        let hash = hash.unwrap_or_else(|| DUMMY.to_owned());
        let fits = self.run(move || {
            password.len() <= LONGEST && argon2().verify_password(password.as_bytes(), hash.as_str()).is_ok()
        });
        Ok(fits.await? && has_hash)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PeopleError> {
        let _turn = self.0.acquire().await.map_err(|error| PeopleError::Hashing(Box::new(error)))?;
        spawn_blocking(work).await.map_err(|error| PeopleError::Hashing(Box::new(error)))
    }
}

/// Refuses a password that is easily guessed.
pub(super) fn check(password: &str, email: &str) -> Result<(), PeopleError> {
    let weak = |reason| Err(PeopleError::WeakPassword(reason));
    if password.chars().count() < SHORTEST {
        return weak("A password has at least 12 characters.");
    }
    if password.len() > LONGEST {
        return weak("A password has at most 1,024 bytes.");
    }
    let lower = password.to_lowercase();
    let mut characters: Vec<char> = lower.chars().collect();
    characters.sort_unstable();
    characters.dedup();
    let email = email.to_lowercase();
    let local = email.split('@').next().unwrap_or_default();
    if characters.len() < 5 || lower.contains(&email) || (local.len() >= 6 && lower.contains(local)) {
        return weak("This password is easily guessed: take several words that do not belong together.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_fits_its_hash() {
        let (passwords, clock) = (Passwords::default(), Clock::System);
        let hash = passwords.hash("a horse on a roof".to_owned(), &clock).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let again = passwords.hash("a horse on a roof".to_owned(), &clock).await.unwrap();
        assert_ne!(hash, again);
        for (password, expected) in [("a horse on a roof", true), ("a horse on a roo", false), ("", false)] {
            let fits = passwords.fits(password.to_owned(), Some(hash.clone())).await.unwrap();
            assert_eq!(fits, expected, "{password}");
        }
        assert!(!passwords.fits("a horse on a roof".to_owned(), None).await.unwrap());
    }

    #[test]
    fn the_dummy_is_a_hash_of_the_same_cost() {
        let outcome = argon2().verify_password(b"a horse on a roof", DUMMY);
        assert_eq!(outcome, Err(argon2::password_hash::Error::PasswordInvalid));
    }

    #[test]
    fn passwords_that_are_easily_guessed_are_refused() {
        for password in [
            "",
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "121212121212",
            "my ana.souza!",
            &"long ".repeat(400),
        ] {
            let outcome = check(password, "Ana.Souza@example.com");
            assert!(matches!(outcome, Err(PeopleError::WeakPassword(_))), "{password}");
        }
        assert!(check("a horse on a roof", "ana.souza@example.com").is_ok());
        assert!(check("ነገር ሁሉ መልካም ነው", "ana.souza@example.com").is_ok());
    }
}
