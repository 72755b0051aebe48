//! Questions: each has a default that is taken with an empty line, and each can be answered by an option instead.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use rustix::termios::{QueueSelector, tcflush};

use crate::parts::Failure;

/// Answers that one question takes before it is given up.
const TRIES_MAX: usize = 5;
/// The longest answer, in bytes.
const LINE_BYTES_MAX: u64 = 4 * 1024;

/// One question.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// Its words.
    pub text: &'q str,
    /// What an empty line means.
    pub default: &'q str,
    /// The option that answers it, such as `--mode`.
    pub option: &'q str,
    /// What that option said.
    pub given: Option<&'q str>,
}

/// Who asks: a person at a terminal, or a script that wrote its answers down.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Take the default of whatever no option answers.
    pub yes: bool,
    /// Standard output is for scripts: talk on standard error.
    pub aside: bool,
}

impl Ask {
    /// Says a line.
    pub fn say(&self, text: impl std::fmt::Display) {
        self.write(&format!("{text}\n"));
    }

    /// Writes without ending the line. Who no longer reads stops nothing.
    pub fn write(&self, text: &str) {
        let written = if self.aside {
            std::io::stderr().lock().write_all(text.as_bytes())
        } else {
            let mut out = std::io::stdout().lock();
            out.write_all(text.as_bytes()).and_then(|()| out.flush())
        };
        if let Err(error) = written {
            tracing::debug!(%error, "nobody reads the questions");
        }
    }

    /// Whether somebody looks at what is written, so that a line may be drawn again and again.
    #[must_use]
    pub fn is_seen(&self) -> bool {
        if self.aside { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() }
    }

    /// Forgets what was typed at the terminal and not yet read.
    pub fn forget_typed(&self) {
        let input = std::io::stdin();
        if input.is_terminal()
            && let Err(error) = tcflush(&input, QueueSelector::IFlush)
        {
            tracing::debug!(%error, "what was typed stays");
        }
    }

    /// Asks until `check` takes the answer; what it says against one is shown, and the question comes again.
    ///
    /// # Errors
    /// When the answers end, when none of [`TRIES_MAX`] is taken, and when the option's or the default is not.
    pub async fn ask<T>(
        &self,
        question: &Question<'_>,
        mut check: impl AsyncFnMut(&str) -> Result<T, String>,
    ) -> Result<T, Failure> {
        let Question { text, default, option, given } = *question;
        if let Some(answer) = given.or(self.yes.then_some(default)) {
            self.say(format_args!("  {text} [{default}]: {answer}"));
            return check(answer).await.map_err(|problem| Failure::usage(anyhow::anyhow!("{option}: {problem}")));
        }
        for _ in 0..TRIES_MAX {
            self.write(&format!("  {text} [{default}]: "));
            let Some(line) = read_line() else {
                self.say("");
                return Err(Failure::usage(anyhow::anyhow!(
                    "the answers ended at \"{text}\"; run it in a terminal, write an answer a \
                     line into its standard input, answer with {option}, or take every default with --yes"
                )));
            };
            // A terminal shows what is typed by itself.
            if !std::io::stdin().is_terminal() {
                self.say(&line);
            }
            let answer = if line.is_empty() { default } else { line.as_str() };
            match check(answer).await {
                Ok(taken) => return Ok(taken),
                Err(problem) => self.say(format_args!("  ! {problem}")),
            }
        }
        Err(Failure::usage(anyhow::anyhow!("no answer to \"{text}\" could be used; answer with {option}")))
    }

    /// Asks for yes or no.
    ///
    /// # Errors
    /// See [`Ask::ask`].
    pub async fn is_so(&self, question: &Question<'_>) -> Result<bool, Failure> {
        self.ask(question, async |answer: &str| match answer.to_lowercase().as_str() {
            "y" | "yes" => Ok(true),
            "n" | "no" => Ok(false),
            _ => Err("say yes or no".to_owned()),
        })
        .await
    }
}

/// The next line without its end and outer blanks; `None` when there is none.
fn read_line() -> Option<String> {
    let mut line = Vec::new();
    let read = std::io::stdin().lock().take(LINE_BYTES_MAX).read_until(b'\n', &mut line);
    match read {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(String::from_utf8_lossy(&line).trim().to_owned()),
    }
}

/// Which of the choices an answer means: its number, from 1, or the word, in either case. The words are never numbers.
#[must_use]
pub fn choice(answer: &str, words: &[String]) -> Option<usize> {
    let by_number = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let by_word = || words.iter().position(|word| word.to_lowercase() == answer.to_lowercase());
    by_word().or(by_number).filter(|at| *at < words.len())
}

#[cfg(test)]
mod tests {
    use super::choice;

    #[test]
    fn a_choice_is_made_by_word_or_number() {
        let words = ["demo", "Night Watch", "new"].map(str::to_owned);
        for (answer, expected) in
            [("demo", Some(0)), ("NIGHT watch", Some(1)), ("3", Some(2)), ("0", None), ("4", None), ("", None)]
        {
            assert_eq!(choice(answer, &words), expected, "{answer}");
        }
        assert_eq!(choice("7", &["7".to_owned()]), Some(0), "a name comes before a number");
    }
}
