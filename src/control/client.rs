//! The commands that ask the running daemon.

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{ANSWER_BYTES_MAX, ANSWER_WAIT, Answer, ControlError, Request, place, status};
use crate::cli::Talk;
use crate::config::Config;
use crate::parts::{EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::show;

/// `talk`: moves the talk key of the running daemon. The exit code is 1 when the daemon did not take it.
///
/// # Errors
/// When no daemon runs here.
pub fn talk(config: &Config, key: Talk, json: bool) -> Result<u8, Failure> {
    let answer = ask(config, Request::Talk { key }).map_err(Failure::part)?;
    Ok(told(&answer, json))
}

/// `status`: tells how the running daemon is.
///
/// # Errors
/// When no daemon runs here.
pub fn status(config: &Config, json: bool) -> Result<u8, Failure> {
    let answer = ask(config, Request::Status).map_err(Failure::part)?;
    let Some(report) = &answer.status else { return Ok(told(&answer, json)) };
    if json {
        show::line(serde_json::json!(report));
    } else {
        status::print(report);
    }
    Ok(EXIT_DONE)
}

/// A bound button has nobody who reads: what was done is only said to scripts.
fn told(answer: &Answer, json: bool) -> u8 {
    if json {
        show::line(serde_json::json!(answer));
    } else if let Some(error) = &answer.error {
        eprintln!("sphereconnect: {error}");
    }
    if answer.ok { EXIT_DONE } else { EXIT_SOME_NOT }
}

/// Asks the daemon in the first of the folders where one listens.
///
/// # Errors
/// [`ControlError::NoDaemon`], or [`ControlError::Mute`] when it does not answer in time.
pub fn ask(config: &Config, request: Request) -> Result<Answer, ControlError> {
    let sockets: Vec<_> = place::folders(config).iter().map(|folder| place::socket(folder)).collect();
    let Some(stream) = sockets.iter().find_map(|socket| UnixStream::connect(socket).ok()) else {
        let first = sockets.first().map(|socket| socket.as_path()).unwrap_or(Path::new(""));
        return Err(ControlError::NoDaemon(first.display().to_string()));
    };
    converse(stream, request).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            ControlError::Mute(format!("nothing came within {} s; it may still be starting", ANSWER_WAIT.as_secs()))
        }
        _ => ControlError::Mute(error.to_string()),
    })
}

fn converse(mut stream: UnixStream, request: Request) -> std::io::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER_WAIT))?;
    stream.set_write_timeout(Some(ANSWER_WAIT))?;
    stream.write_all(format!("{}\n", serde_json::to_string(&request)?).as_bytes())?;
    let mut line = Vec::new();
    BufReader::new(stream).take(ANSWER_BYTES_MAX).read_until(b'\n', &mut line)?;
    Ok(serde_json::from_slice(&line)?)
}
