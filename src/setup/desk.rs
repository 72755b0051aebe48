//! The second half of the guide: what stands on the player's desk, each thing tried as soon as it is chosen.

use std::time::Duration;

use super::Guide;
use super::ask::{Ask, Question, choice};
use super::file::Change;
use super::meter::{self, Trial};
use crate::commander::Commander;
use crate::config::{self, Config};
use crate::hearing::key::{self, Chord, Mode, TalkSettings};
use crate::hearing::levels::LevelTrouble;
use crate::hearing::microphone;
use crate::parts::{self, Failure};
use crate::voice::Voice;

/// How long the level meter runs.
const METER: Duration = Duration::from_secs(3);
/// Microphones that are listed.
const LISTED_MAX: usize = 12;
/// How long a key is waited for.
const KEY_WAIT: Duration = Duration::from_secs(10);
/// How often it is waited for.
const KEY_TRIES: usize = 3;
/// The longest wait for the voice to end its sentence.
const VOICE_WAIT: Duration = Duration::from_secs(10);
/// What the voice says.
const VOICE_TEST: &str = "This is your commander. I read you loud and clear.";
/// A key that every keyboard's reader knows.
const ANY_KEY: &str = "F8";
/// Enter in the terminal, as the settings call it.
const STDIN: &str = "stdin";

impl Guide<'_> {
    /// Asks for a microphone until one is good enough for the player. True when one gives sound.
    pub(super) async fn microphone(&mut self) -> Result<bool, Failure> {
        self.ask.say("\n4 Microphone");
        let mut words = vec!["default".to_owned()];
        let devices = tokio::task::spawn_blocking(microphone::devices).await.unwrap_or_default();
        words.extend(devices.into_iter().filter(|name| name != "default"));
        for (at, word) in words.iter().take(LISTED_MAX).enumerate() {
            let says = if at == 0 { ": the system's" } else { "" };
            self.ask.say(format_args!("  {} {word}{says}", at + 1));
        }
        if let Some(more) = words.len().checked_sub(LISTED_MAX).filter(|more| *more > 0) {
            self.ask.say(format_args!("  and {more} more; `arecord -L` lists them all"));
        }
        let mut given = self.answers.microphone.clone();
        let mut default = self.config.hearing.microphone.clone().unwrap_or_else(|| "default".to_owned());
        loop {
            let question = Question {
                text: "which one, or skip; then say something for three seconds",
                default: &default,
                option: "--microphone",
                given: given.as_deref(),
            };
            let wanted = self.ask.ask(&question, async |answer: &str| {
                let at = choice(answer, &words);
                Ok::<_, String>(at.and_then(|at| words.get(at).cloned()).unwrap_or_else(|| answer.to_owned()))
            });
            let wanted = wanted.await?;
            if wanted == "skip" {
                return Ok(false);
            }
            let device = Some(wanted.clone()).filter(|name| name != "default");
            let good = match self.meter(device.clone()).await {
                Ok(trial) => self.is_good(&trial),
                Err(problem) => {
                    self.ask.say(format_args!("  ! {problem}"));
                    self.ask.say(
                        "  the rest works without it: orders can be typed, and `sphereconnect doctor` tries it again",
                    );
                    false
                }
            };
            let text = if good { "keep this one" } else { "keep it nevertheless" };
            let kept = Question { text, default: "yes", option: "--yes", given: given.as_ref().map(|_| "yes") };
            if self.ask.is_so(&kept).await? {
                self.config.hearing.microphone = device.clone();
                self.changes.push(Change::text("hearing", "microphone", device.unwrap_or_default()));
                return Ok(good);
            }
            // The next answer is a person's.
            (given, default) = (None, "default".to_owned());
        }
    }

    /// Lets the level be seen.
    async fn meter(&self, device: Option<String>) -> Result<Trial, String> {
        let (ask, seen) = (self.ask, self.ask.is_seen());
        let draw = move |level: f32| {
            if seen {
                ask.write(&format!("\r  {}", meter::bar(level)));
            }
        };
        let tried = tokio::task::spawn_blocking(move || meter::record(device.as_deref(), METER, draw)).await;
        if seen {
            self.ask.say("");
        }
        tried.unwrap_or_else(|_| Err("the microphone could not be tried".to_owned()))
    }

    /// Says how it sounds; whether there is any sound.
    fn is_good(&self, trial: &Trial) -> bool {
        let Trial { device, rate, levels } = trial;
        self.ask.say(format_args!("  {} {device}, {rate} samples a second", meter::bar(levels.loudest)));
        self.ask.say(format_args!("  {}", meter::describe(levels)));
        match levels.trouble() {
            None => self.ask.say("  that is good"),
            Some(trouble) => self.ask.say(format_args!("  ! {trouble}")),
        }
        levels.trouble() != Some(LevelTrouble::Silent)
    }

    /// Asks for the talk key and what it does.
    pub(super) async fn key(&mut self) -> Result<(), Failure> {
        self.ask.say("\n5 Talk key");
        self.ask.say("  show: press the key, mouse button or joystick button that you want");
        self.ask.say("  enter: Enter in the terminal where the program runs");
        self.ask.say("  or its name, such as F13, ctrl+F8, rightctrl, mouse:8, joystick:288");
        let talk = self.config.talk.clone();
        let works = check(TalkSettings { key: ANY_KEY.parse().ok(), discard_key: None, ..talk.clone() }).await;
        if let Err(problem) = &works {
            self.ask.say(format_args!("  ! {problem}"));
        }
        let known = talk.key.as_ref().map(ToString::to_string);
        // Nobody presses a key for a script.
        let first = if works.is_ok() && !self.ask.yes { "show" } else { "enter" };
        let default = known.as_deref().unwrap_or(first);
        let given = self.answers.key.as_deref();
        let question = Question { text: "which key", default, option: "--key", given };
        let ask = self.ask;
        let (chord, reads) = ask.ask(&question, async |answer: &str| pick(ask, &talk, answer).await).await?;
        self.ask.say(format_args!("  {reads}"));
        self.changes.push(Change::text("talk", "key", chord.as_ref().map_or(STDIN.to_owned(), ToString::to_string)));
        self.config.talk.key = chord;

        self.ask.say("\n6 What the key does");
        let says = [
            "talk while it is held",
            "press to talk, press again to send",
            "a tap toggles, a longer press holds",
            "the microphone is always open, the key closes it; begin with the commander's name",
        ];
        let words: Vec<String> = Mode::ALL.iter().map(|(_, name)| (*name).to_owned()).collect();
        for (at, (word, says)) in words.iter().zip(says).enumerate() {
            self.ask.say(format_args!("  {} {word}: {says}", at + 1));
        }
        let default =
            Mode::ALL.iter().find(|(mode, _)| *mode == self.config.talk.mode).map_or("hold", |(_, name)| *name);
        let question = Question { text: "mode", default, option: "--mode", given: self.answers.mode.as_deref() };
        let at = self.ask.ask(&question, async |answer: &str| {
            choice(answer, &words).ok_or_else(|| format!("no mode is called \"{answer}\"; write {}", words.join(", ")))
        });
        let at = at.await?;
        if let Some((mode, name)) = Mode::ALL.get(at) {
            self.config.talk.mode = *mode;
            self.config.hearing.must_be_called |= *mode == Mode::Open;
            self.changes.push(Change::text("talk", "mode", *name));
        }
        Ok(())
    }

    /// Asks whether replies are spoken, and lets one be heard.
    pub(super) async fn voice(&mut self) -> Result<(), Failure> {
        self.ask.say("\n7 Voice");
        let default = if self.config.voice.enabled { "yes" } else { "no" };
        let given = self.answers.voice.as_deref();
        let question = Question { text: "shall replies be spoken", default, option: "--voice", given };
        let mut wanted = self.ask.is_so(&question).await?;
        if wanted {
            let settings = parts::voice(&self.config, true);
            let spoken = tokio::task::spawn_blocking(move || {
                let (voice, note) = Voice::start(settings);
                match note {
                    Some(note) => Err(note),
                    None if voice.speak(VOICE_TEST) && voice.drain(VOICE_WAIT) && voice.unheard() == 0 => Ok(()),
                    None => {
                        Err("the voice did not finish its sentence; `sphereconnect doctor` tries it again".to_owned())
                    }
                }
            });
            match spoken.await.unwrap_or_else(|_| Err("the voice could not be tried".to_owned())) {
                Ok(()) => {
                    self.ask.say(format_args!("  it said: \"{VOICE_TEST}\""));
                    let question = Question { text: "did you hear it", default: "yes", option: "--voice", given };
                    wanted = self.ask.is_so(&question).await?;
                    if !wanted {
                        self.ask.say(
                            "  then replies are shown and not spoken; look at the system's volume and output device",
                        );
                    }
                }
                Err(problem) => {
                    self.ask.say(format_args!("  ! {problem}"));
                    self.ask.say("  replies are shown until it works");
                }
            }
        }
        self.config.voice.enabled = wanted;
        self.changes.push(Change::switch("voice", "enabled", wanted));
        Ok(())
    }

    /// Asks for a language model's server. One that does not answer is taken when it is named twice, for it may be off.
    pub(super) async fn endpoint(&mut self) -> Result<(), Failure> {
        self.ask.say("\n8 Free wording");
        if std::env::var("SPHERECONNECT_LLM_URL").is_ok_and(|url| !url.is_empty()) {
            self.ask.say("  SPHERECONNECT_LLM_URL names a server, which is used");
            return Ok(());
        }
        self.ask.say(
            "  fixed wordings need no server. For others, the address of a language model's: http://127.0.0.1:8080",
        );
        self.ask.say("  where it needs a key, SPHERECONNECT_LLM_KEY has it");
        let known = self.config.endpoint.as_ref().map(|endpoint| endpoint.url.clone());
        let default = known.as_deref().unwrap_or("none");
        let given = self.answers.endpoint.as_deref();
        let question = Question { text: "its address, or none", default, option: "--endpoint", given };
        let (guide, mut refused) = (&*self, given.map(str::to_owned));
        let url = guide.ask.ask(&question, async |answer: &str| {
            if answer == "none" {
                return Ok(String::new());
            }
            let commander =
                Commander::new(guide.endpoint_at(answer)?.as_ref()).map_err(|error| format!("{error:#}"))?;
            let Some(endpoint) = commander.endpoint() else { return Ok(String::new()) };
            match endpoint.check().await {
                Ok(found) => guide.ask.say(format_args!("  {found}")),
                Err(error) if refused.as_deref() == Some(answer) || guide.ask.yes => {
                    guide.ask.say(format_args!("  ! {error}; it is kept, and tried whenever it is needed"));
                }
                Err(error) => {
                    refused = Some(answer.to_owned());
                    return Err(format!("{error}; write it again to keep it nevertheless, or none"));
                }
            }
            Ok(answer.to_owned())
        });
        let url = url.await?;
        if known.is_some() || !url.is_empty() {
            self.changes.push(Change::text("endpoint", "url", url));
        }
        Ok(())
    }

    /// The settings of the endpoint at this address: the file's own, but for that.
    fn endpoint_at(&self, url: &str) -> Result<Option<config::Endpoint>, String> {
        let environment = |name: &str| match name {
            "SPHERECONNECT_LLM_URL" => Some(url.to_owned()),
            name => std::env::var(name).ok(),
        };
        let config = Config::load(self.global.config.as_deref(), environment);
        config.map(|config| config.endpoint).map_err(|error| error.to_string())
    }
}

/// What an answer means for the key: which it is, and how it is read.
async fn pick(ask: Ask, talk: &TalkSettings, answer: &str) -> Result<(Option<Chord>, String), String> {
    let shown = match answer {
        "show" => Some(show(ask, talk).await?),
        STDIN | "enter" => None,
        name => Some(name.to_owned()),
    };
    let chord = shown.map(|name| name.parse::<Chord>()).transpose().map_err(|error| error.to_string())?;
    let reads = check(TalkSettings { key: chord.clone(), ..talk.clone() }).await;
    // A key that is not there today may be plugged in tomorrow.
    Ok((chord, reads.unwrap_or_else(|problem| format!("! {problem}"))))
}

/// How the key is read, or why it is not.
async fn check(talk: TalkSettings) -> Result<String, String> {
    let checked = tokio::task::spawn_blocking(move || key::check(&talk).map_err(|error| error.to_string())).await;
    checked.unwrap_or_else(|_| Err("the key could not be tried".to_owned()))
}

/// Waits for the player to press a key.
async fn show(ask: Ask, talk: &TalkSettings) -> Result<String, String> {
    for _ in 0..KEY_TRIES {
        ask.say(format_args!("  press it now; it is waited for {} s", KEY_WAIT.as_secs()));
        let source = talk.source;
        let shown = tokio::task::spawn_blocking(move || key::press_any(source, KEY_WAIT)).await;
        let shown = shown.map_err(|_| "the keys could not be read".to_owned())?;
        // What a key types is no answer to the next question.
        ask.forget_typed();
        if let Some(name) = shown.map_err(|error| format!("{error}; write enter, or a name"))? {
            ask.say(format_args!("  that is {name}"));
            return Ok(name);
        }
        ask.say("  nothing was pressed");
    }
    Err("no key was seen; write its name, or enter".to_owned())
}
