//! Where a member's password, PIN and TOTP code come from: the environment, else a hidden prompt at a terminal. Never
//! an argument, for every user of the machine can list those.

use std::fmt;
use std::io::{BufRead as _, IsTerminal as _, Read as _};

use secrecy::{ExposeSecret as _, SecretString};

/// The environment variable of the password.
pub const PASSWORD_ENV: &str = "SPHERECONNECT_PASSWORD";
/// The environment variable of the PIN.
pub const PIN_ENV: &str = "SPHERECONNECT_PIN";
/// The environment variable of the TOTP code of the moment.
pub const TOTP_ENV: &str = "SPHERECONNECT_TOTP";
/// The environment variable of a password that is to be set.
pub const NEW_PASSWORD_ENV: &str = "SPHERECONNECT_NEW_PASSWORD";
/// The environment variable of a PIN that is to be set.
pub const NEW_PIN_ENV: &str = "SPHERECONNECT_NEW_PIN";
/// The fewest characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The most bytes of a password; a longer text is no password but a mistake.
pub const PASSWORD_BYTES_MAX: usize = 1024;
/// The fewest and the most digits of a PIN.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=12;

/// The longest line that is read as a code.
const CODE_BYTES_MAX: u64 = 64;

/// Which of a member's two secrets. Each has its own verifier, failure counter and lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretKind {
    /// The long one.
    Password,
    /// The short one, which changes no secrets.
    Pin,
}

impl SecretKind {
    /// The word the database knows it by.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Pin => "pin",
        }
    }
}

impl fmt::Display for SecretKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::Pin => "PIN",
        })
    }
}

/// What a member proves themselves with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Which secret it is.
    pub kind: SecretKind,
    /// The secret.
    pub secret: SecretString,
    /// The TOTP code of the moment, for those who set TOTP.
    pub code: Option<SecretString>,
}

/// Why there is no secret to go on with.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither in the environment nor at a terminal.
    #[error("{0}")]
    Missing(String),
    /// The terminal did not give it.
    #[error("the terminal could not be asked: {0}")]
    Terminal(#[source] std::io::Error),
    /// It breaks a rule for new secrets.
    #[error("{0}")]
    Weak(String),
}

/// The secrets the environment holds.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    password: Option<SecretString>,
    pin: Option<SecretString>,
    totp: Option<SecretString>,
    new_password: Option<SecretString>,
    new_pin: Option<SecretString>,
}

impl Secrets {
    /// Reads the environment variables; an empty one counts as none.
    pub fn load(environment: &impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| environment(name).filter(|value| !value.is_empty()).map(SecretString::from);
        Self {
            password: read(PASSWORD_ENV),
            pin: read(PIN_ENV),
            totp: read(TOTP_ENV),
            new_password: read(NEW_PASSWORD_ENV),
            new_pin: read(NEW_PIN_ENV),
        }
    }

    /// What `member` signs in with. A password wins over a PIN. Blocks while a person types.
    ///
    /// # Errors
    /// [`SecretError::Missing`] with neither of them and no terminal.
    pub fn credentials(&self, member: &str) -> Result<Credentials, SecretError> {
        let code = self.totp.clone();
        if let Some(secret) = self.password.clone() {
            return Ok(Credentials { kind: SecretKind::Password, secret, code });
        }
        if let Some(secret) = self.pin.clone() {
            return Ok(Credentials { kind: SecretKind::Pin, secret, code });
        }
        if !at_terminal() {
            return Err(SecretError::Missing(format!(
                "{member} signs in with a password or a PIN: set {PASSWORD_ENV} or {PIN_ENV} (and {TOTP_ENV} for a \
                 code), or start at a terminal to be asked"
            )));
        }
        let secret = prompt(&format!("Password of {member}: "))?;
        let code = match code {
            Some(code) => Some(code),
            None => Some(prompt("TOTP code (Enter if there is none): ")?),
        };
        let code = code.filter(|code| !code.expose_secret().is_empty());
        Ok(Credentials { kind: SecretKind::Password, secret, code })
    }

    /// A new secret for `member`, typed twice at a terminal or from the environment, that keeps the rules: a password
    /// has at least [`PASSWORD_CHARS_MIN`] characters and is not the name, a PIN has [`PIN_DIGITS`] digits.
    ///
    /// # Errors
    /// [`SecretError::Missing`], and [`SecretError::Weak`] for one that breaks a rule.
    pub fn new_secret(&self, kind: SecretKind, member: &str) -> Result<SecretString, SecretError> {
        let (given, name) = match kind {
            SecretKind::Password => (&self.new_password, NEW_PASSWORD_ENV),
            SecretKind::Pin => (&self.new_pin, NEW_PIN_ENV),
        };
        let secret = match given {
            Some(secret) => secret.clone(),
            None if at_terminal() => {
                let secret = prompt(&format!("New {kind} of {member}: "))?;
                let again = prompt("Once more: ")?;
                if secret.expose_secret() != again.expose_secret() {
                    return Err(SecretError::Weak("the two were not the same; nothing was changed".to_owned()));
                }
                secret
            }
            None => {
                return Err(SecretError::Missing(format!(
                    "the new {kind} is missing: set {name}, or start at a terminal to be asked"
                )));
            }
        };
        check(kind, &secret, member)?;
        Ok(secret)
    }

    /// The first code of a new TOTP secret: typed at the terminal, or a line of the standard input. It is no secret,
    /// for it works once.
    ///
    /// # Errors
    /// [`SecretError::Missing`] when the input ends without one.
    pub fn first_code() -> Result<SecretString, SecretError> {
        if at_terminal() {
            return prompt("The code your app shows now: ");
        }
        let mut line = String::new();
        let read = std::io::stdin().lock().take(CODE_BYTES_MAX).read_line(&mut line).map_err(SecretError::Terminal)?;
        if read == 0 {
            return Err(SecretError::Missing(
                "TOTP counts once a first code of it is typed or read from the standard input; there was none"
                    .to_owned(),
            ));
        }
        Ok(SecretString::from(line.trim()))
    }
}

/// Whether a new secret keeps the rules. The database cannot check them: it never sees the secret.
///
/// # Errors
/// [`SecretError::Weak`], saying which rule, never the secret.
pub fn check(kind: SecretKind, secret: &SecretString, member: &str) -> Result<(), SecretError> {
    let text = secret.expose_secret();
    let problem = match kind {
        SecretKind::Password if text.chars().count() < PASSWORD_CHARS_MIN => {
            format!("a password has at least {PASSWORD_CHARS_MIN} characters")
        }
        SecretKind::Password if text.len() > PASSWORD_BYTES_MAX => {
            format!("a password has at most {PASSWORD_BYTES_MAX} bytes")
        }
        SecretKind::Password if text.to_lowercase() == member.to_lowercase() => {
            "a password is not the member's own name".to_owned()
        }
        SecretKind::Pin if !PIN_DIGITS.contains(&text.len()) || !text.bytes().all(|one| one.is_ascii_digit()) => {
            format!("a PIN has {} to {} digits and nothing else", PIN_DIGITS.start(), PIN_DIGITS.end())
        }
        _ => return Ok(()),
    };
    Err(SecretError::Weak(problem))
}

/// Whether somebody can be asked. The standard input counts, too: a program in a pipe asks nobody.
fn at_terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn prompt(words: &str) -> Result<SecretString, SecretError> {
    rpassword::prompt_password(words).map(SecretString::from).map_err(SecretError::Terminal)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

    use super::*;

    fn secrets(of: &[(&str, &str)]) -> Secrets {
        Secrets::load(&|name| of.iter().find(|(one, _)| *one == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn a_password_wins_over_a_pin_and_an_empty_one_is_none() {
        let both = secrets(&[(PASSWORD_ENV, "made-up words"), (PIN_ENV, "0000"), (TOTP_ENV, "123456")]);
        let credentials = both.credentials("Ann").unwrap();
        assert_eq!(credentials.kind, SecretKind::Password);
        assert_eq!(credentials.code.unwrap().expose_secret(), "123456");
        let pin = secrets(&[(PASSWORD_ENV, ""), (PIN_ENV, "0000")]).credentials("Ann").unwrap();
        assert_eq!((pin.kind, pin.code.is_none()), (SecretKind::Pin, true));
    }

    #[test]
    fn new_secrets_keep_the_rules_and_are_never_told() {
        let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
        for (kind, text, fits) in [
            (SecretKind::Password, "seven77", false),
            (SecretKind::Password, "eight888", true),
            (SecretKind::Password, "ééééééé", false),
            (SecretKind::Password, "ISOLDE marchetti", false),
            (SecretKind::Password, long.as_str(), false),
            (SecretKind::Pin, "123", false),
            (SecretKind::Pin, "1234", true),
            (SecretKind::Pin, "123456789012", true),
            (SecretKind::Pin, "1234567890123", false),
            (SecretKind::Pin, "12a4", false),
            (SecretKind::Pin, "١٢٣٤", false),
        ] {
            let checked = check(kind, &SecretString::from(text), "Isolde Marchetti");
            assert_eq!(checked.is_ok(), fits, "{text}");
            if let Err(error) = checked {
                assert!(!error.to_string().contains(text), "{error}");
            }
        }
        assert!(!format!("{:?}", secrets(&[(PASSWORD_ENV, "made-up words")])).contains("made-up"));
    }
}
