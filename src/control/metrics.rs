//! Numbers for Prometheus, on an address that only this machine reaches. No label and no value holds a word that was
//! said or a name of the guild.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::board::{is_lost, stages};
use crate::hearing::HearingEvent;
use crate::show;
use crate::turn::Turn;

/// Scrapes that are served at the same time; more wait.
const CONNECTIONS_MAX: usize = 8;
/// How long one scrape may take.
const CONNECTION_WAIT: Duration = Duration::from_secs(10);
/// The rest after the system gave no connection.
const ACCEPT_REST: Duration = Duration::from_millis(200);
/// The upper ends of the histograms, in seconds.
const BUCKETS: [f64; 14] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
/// What the text is.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type One = [(&'static str, &'static str); 1];
type Two = [(&'static str, &'static str); 2];

/// Counts turns and utterances, and how long the stages take.
#[derive(Debug)]
pub struct Numbers {
    registry: Registry,
    turns: Family<Two, Counter>,
    utterances: Family<One, Counter>,
    seconds: Family<One, Histogram, fn() -> Histogram>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self::new()
    }
}

impl Numbers {
    /// All at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("sphereconnect");
        let turns = Family::default();
        let utterances = Family::default();
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let seconds = Family::new_with_constructor(histogram);
        registry.register("turns", "Turns by how they ended and how they were understood", turns.clone());
        registry.register("utterances", "Utterances by what became of them", utterances.clone());
        let text = "How long the stages of turns take";
        registry.register_with_unit("turn_stage", text, Unit::Seconds, seconds.clone());
        Self { registry, turns, utterances, seconds }
    }

    /// A turn is over.
    pub fn took(&self, turn: &Turn) {
        self.turns.get_or_create(&[("outcome", show::ending(turn.outcome)), ("route", turn.route)]).inc();
        for (stage, ms) in stages(&turn.ms) {
            self.seconds.get_or_create(&[("stage", stage)]).observe(ms / 1e3);
        }
        if is_lost(turn) {
            self.utterances.get_or_create(&[("fate", "lost")]).inc();
        }
    }

    /// Something happened at the microphone or the key.
    pub fn event(&self, event: &HearingEvent) {
        let fate = match event {
            HearingEvent::Accepted { .. } => "accepted",
            HearingEvent::Refused => "refused",
            _ => return,
        };
        self.utterances.get_or_create(&[("fate", fate)]).inc();
    }

    /// The numbers in Prometheus's text form.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        if let Err(error) = encode(&mut text, &self.registry) {
            tracing::error!(%error, "the numbers cannot be written");
        }
        text
    }
}

/// Listens on the address, which the settings hold to this machine.
///
/// # Errors
/// When the system refuses, as when another program listens there.
pub async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves `/metrics` until the task is dropped.
pub async fn serve(listener: TcpListener, numbers: Arc<Numbers>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the metrics' address gives no connection");
                tokio::time::sleep(ACCEPT_REST).await;
                continue;
            }
        };
        let numbers = Arc::clone(&numbers);
        tokio::spawn(async move {
            let _place = place;
            let answer = service_fn(|request| {
                let response = respond(&request, &numbers);
                async { Ok::<_, Infallible>(response) }
            });
            let served = http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), answer);
            match tokio::time::timeout(CONNECTION_WAIT, served).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a scrape ended early"),
                Err(_) => tracing::debug!("a scrape took too long"),
            }
        });
    }
}

fn respond(request: &Request<Incoming>, numbers: &Numbers) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, TEXT, numbers.text()),
        (_, "/metrics") => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET is answered\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "the numbers are at /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UtteranceId;

    #[test]
    fn numbers_count_and_tell_no_word() {
        let numbers = Numbers::new();
        let mut turn = Turn::begin(UtteranceId::new(), "microphone".to_owned());
        turn.heard = Some("a secret".to_owned());
        turn.ms.speech = 300.0;
        numbers.took(&turn);
        numbers.took(&turn);
        numbers.event(&HearingEvent::Refused);
        let text = numbers.text();
        for line in [
            "sphereconnect_turns_total{outcome=\"failed\",route=\"none\"} 2",
            "sphereconnect_utterances_total{fate=\"refused\"} 1",
            "sphereconnect_turn_stage_seconds_bucket{le=\"0.25\",stage=\"speech\"} 0",
            "sphereconnect_turn_stage_seconds_bucket{le=\"0.5\",stage=\"speech\"} 2",
        ] {
            assert!(text.contains(line), "no {line} in\n{text}");
        }
        assert!(!text.contains("secret"));
    }
}
