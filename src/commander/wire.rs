//! Asks a language model over HTTP for orders: one question, one JSON answer, one budget of time.
//!
//! Everything that can go wrong comes back as a [`WireError`], whose text never holds the key. What the model says is
//! only text here: [`super::prompt`] decodes it.

mod address;
mod chat;
mod error;
mod retry;

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout};

use address::Address;
use chat::{Dialect, Question};
pub use error::WireError;

/// The budget of one utterance unless the settings say otherwise.
pub const DEADLINE: Duration = Duration::from_secs(8);
/// How long a connection may take to stand unless the settings say otherwise.
pub const CONNECT: Duration = Duration::from_secs(2);
/// The longest answer that is read unless the settings say otherwise, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;
/// The most tokens the model may answer with unless the settings say otherwise: six orders with their names.
pub const TOKENS_MAX: u32 = 400;

/// How long warming the server's prompt cache may take; a small machine reads the whole prompt in half a minute.
const PREWARM_DEADLINE: Duration = Duration::from_secs(120);
/// The part of an error's body that is read for its message, in bytes.
const FAULT_BYTES_MAX: usize = 16 * 1024;
/// How long an error's body may take; its status alone says enough.
const FAULT_WAIT: Duration = Duration::from_secs(1);

/// Where the language model is and what it may cost.
#[derive(Debug, Clone)]
pub struct EndpointSettings {
    /// The server: `http://127.0.0.1:8080`, with `/v1` or with the whole path to `chat/completions`.
    pub url: String,
    /// What the server wants as its bearer token; `None` for servers that ask for nothing.
    pub key: Option<SecretString>,
    /// Which model to ask for; may be empty where the server has only one.
    pub model: String,
    /// The budget of one question: connecting, both attempts and every wait together.
    pub deadline: Duration,
    /// The longest wait for a connection.
    pub connect: Duration,
    /// The longest answer that is read, in bytes.
    pub body_bytes_max: usize,
    /// The most tokens the model may answer with.
    pub tokens_max: u32,
}

/// A language model that can be asked. Cheap to keep: it holds its connections open between questions.
#[derive(Debug)]
pub struct Endpoint {
    settings: EndpointSettings,
    address: Address,
    dialect: Dialect,
    bearer: Option<HeaderValue>,
    client: Client,
}

impl Endpoint {
    /// Checks the settings and makes the client; nothing is sent.
    ///
    /// # Errors
    /// [`WireError::Url`] and [`WireError::Key`] for what cannot be used, [`WireError::Client`] when this machine's
    /// certificates cannot be loaded.
    pub fn new(settings: EndpointSettings) -> Result<Self, WireError> {
        let address = Address::parse(&settings.url)?;
        let bearer = settings.key.as_ref().map(bearer).transpose()?.flatten();
        if bearer.is_some() && !address.encrypted && !address.loopback {
            tracing::warn!(llm.host = %address.host, "the key of the language model travels unencrypted; use https");
        }
        let client = client(&settings, &address)?;
        Ok(Self { dialect: Dialect::OpenAiChat, settings, address, bearer, client })
    }

    /// Asks one question and returns the text of the model's answer, which need not keep to the `schema`: servers may
    /// ignore it. Sends at most two requests, all within the settings' deadline; dropping the future closes the
    /// connection and so frees the server.
    ///
    /// # Errors
    /// Every [`WireError`] but those of [`Endpoint::new`].
    pub async fn ask(&self, system: &str, user: &str, schema: &serde_json::Value) -> Result<String, WireError> {
        let question = Question { system, user, schema: Some(schema), tokens_max: self.settings.tokens_max };
        self.question(&question, self.settings.deadline).await
    }

    /// Tries the server and says what answered, for `doctor`: its models, and whether the wanted one is among them.
    /// Where the server lists no models, a question of one token takes the list's place.
    ///
    /// # Errors
    /// As [`Endpoint::ask`].
    pub async fn check(&self) -> Result<String, WireError> {
        let Some(models) = self.address.models.clone() else {
            return self.check_by_asking().await;
        };
        let listed = self.within(self.settings.deadline, self.once(self.client.get(models), "")).await;
        match listed {
            Ok(body) => match self.dialect.models(&body) {
                Some(models) => Ok(chat::describe(&self.address.host, &self.settings.model, &models)),
                None => self.check_by_asking().await,
            },
            Err(WireError::Status { code: 404 | 405 | 501, .. }) => self.check_by_asking().await,
            Err(error) => Err(error),
        }
    }

    /// Lets the server read the part of the prompt that never changes, so that the first order does not wait for it.
    /// A failure is logged and nothing else: the first question will report it to whoever asks.
    pub async fn prewarm(&self, system: &str) {
        let question = Question { system, user: "Said:", schema: None, tokens_max: 1 };
        match self.question(&question, PREWARM_DEADLINE).await {
            // One token is always cut off, and may be blank: both mean that the prompt was read.
            Ok(_) | Err(WireError::Cut | WireError::Empty) => {
                tracing::debug!(llm.host = %self.address.host, "language model is warm");
            }
            Err(error) => tracing::warn!(llm.host = %self.address.host, %error, "cannot warm the language model"),
        }
    }

    async fn check_by_asking(&self) -> Result<String, WireError> {
        let question = Question { system: "Answer with one word.", user: "Hello", schema: None, tokens_max: 1 };
        match self.question(&question, self.settings.deadline).await {
            Ok(_) | Err(WireError::Cut | WireError::Empty) => Ok(format!("{} answers", self.address.host)),
            Err(error) => Err(error),
        }
    }

    async fn question(&self, question: &Question<'_>, deadline: Duration) -> Result<String, WireError> {
        let body = self.dialect.body(&self.settings.model, &self.address, question);
        let body = self.within(deadline, self.twice(&body, question.user, deadline)).await?;
        self.dialect.answer(&body)
    }

    /// Sends the question, and once more when the failure may pass and the wait for it fits the budget.
    async fn twice(&self, body: &serde_json::Value, private: &str, deadline: Duration) -> Result<Vec<u8>, Failure> {
        let started = Instant::now();
        let request = || self.client.post(self.address.chat.clone()).json(body);
        match self.once(request(), private).await {
            Err(Failure { error, wait: Some(wait) }) => {
                if !retry::fits(wait, deadline.saturating_sub(started.elapsed())) {
                    return Err(Failure { error, wait: None });
                }
                tracing::debug!(%error, llm.wait_ms = wait.as_millis(), "asking the language model again");
                tokio::time::sleep(wait).await;
                self.once(request(), private).await
            }
            done => done,
        }
    }

    /// Sends one request and reads its answer whole, or says whether trying again may help. `private` are words that
    /// must not come back in an error.
    async fn once(&self, request: RequestBuilder, private: &str) -> Result<Vec<u8>, Failure> {
        let request = match &self.bearer {
            Some(bearer) => request.header(AUTHORIZATION, bearer.clone()),
            None => request,
        };
        let mut response = request.send().await.map_err(|error| self.transport(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response, private).await);
        }
        self.read(&mut response, self.settings.body_bytes_max).await
    }

    /// Reads a body up to a limit; what goes beyond it is never held.
    async fn read(&self, response: &mut Response, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let too_large = || Failure { error: WireError::TooLarge { bytes_max }, wait: None };
        if response.content_length().is_some_and(|length| length > bytes_max as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.transport(&error))? {
            if body.len() + chunk.len() > bytes_max {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    async fn refused(&self, mut response: Response, private: &str) -> Failure {
        let code = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let body = match timeout(FAULT_WAIT, self.read(&mut response, FAULT_BYTES_MAX)).await {
            Ok(Ok(body)) => body,
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        let fault = self.dialect.fault(&body);
        let key = self.settings.key.as_ref().map_or("", |key| key.expose_secret());
        let message = error::status_message(code, &fault.message, &[key, private]);
        let wait = if fault.quota { None } else { retry::wait(code, &headers, chrono::Utc::now()) };
        Failure { error: WireError::Status { code, message }, wait }
    }

    fn transport(&self, error: &reqwest::Error) -> Failure {
        let host = self.address.host.clone();
        if error.is_connect() {
            let detail = if error.is_timeout() {
                format!("no connection within {} ms", self.settings.connect.as_millis())
            } else {
                root(error)
            };
            return Failure { error: WireError::Connect { host, detail }, wait: None };
        }
        // A connection that broke is a server that restarts or a line that failed for a moment.
        Failure { error: WireError::Broken { host, detail: root(error) }, wait: Some(retry::WAIT) }
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, WireError> {
        match timeout(deadline, work).await {
            Ok(done) => done.map_err(|failure| failure.error),
            Err(_) => Err(WireError::Deadline { host: self.address.host.clone(), ms: deadline.as_millis() }),
        }
    }
}

/// What went wrong with one request, and how long to wait before another; `None` when another would not help.
struct Failure {
    error: WireError,
    wait: Option<Duration>,
}

fn bearer(key: &SecretString) -> Result<Option<HeaderValue>, WireError> {
    let key = key.expose_secret().trim();
    if key.is_empty() {
        return Ok(None);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_| WireError::Key)?;
    value.set_sensitive(true);
    Ok(Some(value))
}

fn client(settings: &EndpointSettings, address: &Address) -> Result<Client, WireError> {
    // The process has one provider; that another part installed it first is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .connect_timeout(settings.connect)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("sphereconnect/", env!("CARGO_PKG_VERSION")));
    if address.loopback {
        builder = builder.no_proxy();
        if !address.encrypted {
            // Nothing is verified, so the machine's certificates need not be there.
            builder = builder.tls_certs_only([]);
        }
    }
    builder.build().map_err(|error| WireError::Client { detail: root(&error) })
}

/// The innermost cause, which is what a person can act on; reqwest's own text holds the URL.
fn root(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut text = None;
    while let Some(inner) = cause {
        text = Some(inner.to_string());
        cause = inner.source();
    }
    error::plain(&text.unwrap_or_else(|| "the connection failed".to_owned()))
}
