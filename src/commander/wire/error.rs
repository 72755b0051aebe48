//! What can go wrong between a question and its answer, in words that hold no secret.

/// The longest message of a server that is passed on, in characters.
const MESSAGE_CHARS_MAX: usize = 200;
/// Shorter texts are not looked for in a server's message: they would hit ordinary words.
const PRIVATE_CHARS_MIN: usize = 6;

/// Why a language model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The settings hold no usable address; the text says what is wrong with it, never the address itself, which may
    /// be a key in the wrong place.
    #[error("SPHERECONNECT_LLM_URL {0}")]
    Url(&'static str),
    /// The key cannot be sent in a header.
    #[error("SPHERECONNECT_LLM_KEY holds a character that cannot be sent; copy the key again")]
    Key,
    /// The HTTP client could not be made.
    #[error("cannot prepare the connection to the language model: {detail}; check this machine's certificates")]
    Client {
        /// The cause.
        detail: String,
    },
    /// Nobody listens there, the name is unknown, or the certificate is not trusted.
    #[error("cannot reach the language model at {host}: {detail}; start it or correct SPHERECONNECT_LLM_URL")]
    Connect {
        /// Host and port.
        host: String,
        /// The cause.
        detail: String,
    },
    /// The connection stood and then failed, or what answered speaks no HTTP.
    #[error("the language model at {host} broke off: {detail}")]
    Broken {
        /// Host and port.
        host: String,
        /// The cause.
        detail: String,
    },
    /// The budget is used up.
    #[error("the language model at {host} gave no answer within {ms} ms")]
    Deadline {
        /// Host and port.
        host: String,
        /// The budget in milliseconds.
        ms: u128,
    },
    /// The server refused, with its own words shortened and without the key.
    #[error("the language model refused with status {code}: {message}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// Why, or what to do about it.
        message: String,
    },
    /// The answer is longer than the limit and was not read to its end.
    #[error("the language model answered with more than {bytes_max} bytes")]
    TooLarge {
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// The server answered with something other than a chat completion.
    #[error("what answered is no language model: its answer has another form; correct SPHERECONNECT_LLM_URL")]
    NotJson,
    /// The model declined.
    #[error("the language model declined to answer")]
    Refusal,
    /// The model ran into its limit of tokens, so the answer is incomplete.
    #[error("the language model's answer was cut off at its token limit")]
    Cut,
    /// The model said nothing.
    #[error("the language model answered with nothing")]
    Empty,
}

impl WireError {
    /// Whether it shows that the server is not there or not fit to answer anybody; the others are about one question or
    /// about the settings.
    #[must_use]
    pub fn is_away(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Broken { .. } | Self::Deadline { .. } | Self::NotJson => true,
            Self::Status { code, .. } => matches!(code, 200 | 408 | 429 | 500..),
            _ => false,
        }
    }
}

/// What to say about a status: the remedy where there is one, else the server's message without the `private` texts.
pub(super) fn status_message(code: u16, message: &str, private: &[&str]) -> String {
    match code {
        // Servers quote the key they refuse, partly masked; none of it is passed on.
        401 | 403 => return "it does not accept the key; set SPHERECONNECT_LLM_KEY".to_owned(),
        300..=399 => return "it redirects; set SPHERECONNECT_LLM_URL to the final address".to_owned(),
        _ => {}
    }
    let mut message = message.to_owned();
    for line in private.iter().flat_map(|text| text.lines()).map(str::trim) {
        if line.chars().count() >= PRIVATE_CHARS_MIN {
            message = message.replace(line, "…");
        }
    }
    let message = plain(&message);
    match (message.is_empty(), code) {
        (false, _) => message,
        (true, 404) => "there is nothing at this address; correct SPHERECONNECT_LLM_URL".to_owned(),
        (true, _) => "no reason given".to_owned(),
    }
}

/// One line without control characters, cut to its limit.
pub(super) fn plain(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let line = words.join(" ");
    if line.chars().count() <= MESSAGE_CHARS_MAX {
        return line;
    }
    line.chars().take(MESSAGE_CHARS_MAX).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lose_secrets_and_spoken_words() {
        let check = |code, message: &str, expected: &str| {
            assert_eq!(status_message(code, message, &["key-123456", "Said: get Obrecht\nnow"]), expected);
        };
        check(500, "bad\n\tkey-123456 given", "bad … given");
        check(400, "cannot read 'Said: get Obrecht\\nnow'", "cannot read '…\\nnow'");
        check(401, "wrong key key-***456", "it does not accept the key; set SPHERECONNECT_LLM_KEY");
        check(500, "", "no reason given");
        assert_eq!(plain(&"é".repeat(300)).chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}
