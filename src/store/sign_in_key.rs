//! A password or PIN → the key that is sent, and the verifier that is stored. Pure computing: the only home of argon2.

use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::StoreError;

/// The length of a key in bytes.
const KEY_BYTES: usize = 32;
/// The length of a salt in bytes.
const SALT_BYTES: usize = 16;
/// What a new verifier costs: 19 MiB, two passes, one lane.
const DEFAULT_COST: Cost = Cost { kib: 19_456, passes: 2 };
/// What a client is willing to compute: the parameters come from the database, which could be anybody's.
const KIB: std::ops::RangeInclusive<u32> = 8..=65_536;
/// How many passes it is willing to make.
const PASSES: std::ops::RangeInclusive<u32> = 1..=10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    kib: u32,
    passes: u32,
}

/// What a key is computed from besides the secret: `argon2id$m=19456,t=2,p=1$<salt>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameters {
    cost: Cost,
    salt: [u8; SALT_BYTES],
}

impl Parameters {
    /// The usual cost and a salt of its own.
    pub(super) fn fresh() -> Self {
        Self { cost: DEFAULT_COST, salt: *Uuid::new_v4().as_bytes() }
    }

    /// Reads what the database says. `None` for anything but argon2id within the limits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (cost, salt) = text.strip_prefix("argon2id$")?.split_once('$')?;
        let (kib, rest) = cost.strip_prefix("m=")?.split_once(",t=")?;
        let (kib, passes) = (kib.parse().ok()?, rest.strip_suffix(",p=1")?.parse().ok()?);
        let cost = Cost { kib, passes };
        let salt: [u8; SALT_BYTES] = unhex(salt)?.try_into().ok()?;
        (KIB.contains(&cost.kib) && PASSES.contains(&cost.passes)).then_some(Self { cost, salt })
    }

    /// Computes the key. Takes some tens of milliseconds and the memory the cost says.
    fn key(&self, secret: &SecretString) -> Option<SecretSlice<u8>> {
        let params = Params::new(self.cost.kib, self.cost.passes, 1, Some(KEY_BYTES)).ok()?;
        let mut key = vec![0; KEY_BYTES];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon.hash_password_into(secret.expose_secret().as_bytes(), &self.salt, &mut key).ok()?;
        Some(SecretSlice::from(key))
    }

    fn text(&self) -> String {
        format!("argon2id$m={},t={},p=1${}", self.cost.kib, self.cost.passes, hex(&self.salt))
    }

    fn verifier(&self, key: &SecretSlice<u8>) -> String {
        format!("{}${}", self.text(), hex(&Sha256::digest(key.expose_secret())))
    }
}

/// The key of a secret, computed away from the threads that wait for others.
///
/// # Errors
/// [`StoreError::Parameters`] for parameters that no honest database sends.
pub(super) async fn key(parameters: &str, secret: &SecretString) -> Result<SecretSlice<u8>, StoreError> {
    let parameters = Parameters::parse(parameters).ok_or(StoreError::Parameters)?;
    let secret = secret.clone();
    let computed = tokio::task::spawn_blocking(move || parameters.key(&secret)).await;
    computed.map_err(|_| StoreError::Stopped)?.ok_or(StoreError::Parameters)
}

/// A verifier for a new secret.
///
/// # Errors
/// [`StoreError::Stopped`] while the program stops.
pub(super) async fn verifier(secret: &SecretString) -> Result<String, StoreError> {
    let secret = secret.clone();
    let computed = tokio::task::spawn_blocking(move || {
        let parameters = Parameters::fresh();
        parameters.key(&secret).map(|key| parameters.verifier(&key))
    });
    computed.await.map_err(|_| StoreError::Stopped)?.ok_or(StoreError::Parameters)
}

/// Whether a verifier is this secret's.
pub(super) async fn verifies(verifier: &str, secret: &SecretString) -> bool {
    let Some(parameters) = verifier.rsplit_once('$').and_then(|(text, _)| Parameters::parse(text)) else {
        return false;
    };
    let (secret, wanted) = (secret.clone(), verifier.to_owned());
    let computed = tokio::task::spawn_blocking(move || {
        parameters.key(&secret).is_some_and(|key| parameters.verifier(&key) == wanted)
    });
    computed.await.unwrap_or(false)
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    const SALT: &str = "000102030405060708090a0b0c0d0e0f";

    #[test]
    fn parameters_outside_the_limits_are_refused() {
        for (cost, fits) in [
            ("m=8,t=1,p=1", true),
            ("m=65536,t=10,p=1", true),
            ("m=7,t=1,p=1", false),
            ("m=65537,t=1,p=1", false),
            ("m=8,t=0,p=1", false),
            ("m=8,t=11,p=1", false),
            ("m=8,t=1,p=2", false),
            ("m=-8,t=1,p=1", false),
            ("t=1,m=8,p=1", false),
        ] {
            let parsed = Parameters::parse(&format!("argon2id${cost}${SALT}"));
            assert_eq!(parsed.is_some(), fits, "{cost}");
        }
        for text in ["", "x", "argon2i$m=8,t=1,p=1$00", "argon2id$m=8,t=1,p=1$00", "argon2id$m=8,t=1,p=1$zz"] {
            assert_eq!(Parameters::parse(text), None, "{text}");
        }
    }

    #[tokio::test]
    async fn a_verifier_verifies_its_secret_only() {
        let (right, wrong) = (SecretString::from("made-up words"), SecretString::from("made-up word"));
        let made = verifier(&right).await.unwrap();
        assert!(made.starts_with("argon2id$m=19456,t=2,p=1$") && made.len() == 25 + 32 + 1 + 64, "{made}");
        assert!(verifies(&made, &right).await);
        assert!(!verifies(&made, &wrong).await);
        assert!(!verifies("x", &right).await);
        assert_ne!(made, verifier(&right).await.unwrap(), "each has its own salt");
        let (parameters, _) = made.rsplit_once('$').unwrap();
        assert_eq!(Parameters::parse(parameters).unwrap().text(), parameters);
    }
}
