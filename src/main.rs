//! Which parts are opened, how they are connected, and when they stop.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser;

use sphereconnect::aloud::Aloud;
use sphereconnect::cli::{Cli, Command, Global, Guild, Members, Models, Sounding};
use sphereconnect::config::{self, Config};
use sphereconnect::control::{client, service};
use sphereconnect::domain::UtteranceId;
use sphereconnect::guild_file::GuildFile;
use sphereconnect::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use sphereconnect::turn::{Ending, Input};
use sphereconnect::{
    demo, doctor, eval, guild_file, journal, lint, listen, member, name_trial, operator, people, setup, show, speech,
    telemetry,
};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("sphereconnect: {:#}", failure.error);
            ExitCode::from(failure.code)
        }
    }
}

fn start(mut cli: Cli) -> Result<u8, Failure> {
    let target = cli.global.config.clone().or_else(config::user_file);
    // The player's own file need not be there, and `setup` makes whichever is named.
    let may_be_missing = cli.global.config.is_none() || matches!(cli.command, Command::Setup(_));
    cli.global.config = target.clone().filter(|file| !may_be_missing || file.exists());
    let config = Config::load(cli.global.config.as_deref(), |name| std::env::var(name).ok()).map_err(Failure::usage)?;
    let telemetry = telemetry::start(&config.log, cli.global.verbose, cli.global.trace.as_deref());
    let telemetry = telemetry.map_err(Failure::usage)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(Failure::part)?.block_on(async {
        match cli.command {
            Command::Run => listen::run(config, &cli.global, &telemetry).await,
            Command::Talk(key) => client::talk(&config, key, cli.global.json),
            Command::Status => client::status(&config, cli.global.json),
            Command::Service(command) => service::run(command, &cli.global),
            Command::Hear { files, sounding } => {
                let read = |(at, file): (usize, &PathBuf)| {
                    Input::recording(file, id(&sounding, at, &file.display().to_string()))
                };
                let inputs = files.iter().enumerate().map(read);
                take(&config, &cli.global, &sounding, inputs, true).await
            }
            Command::Say { texts, sounding } => {
                let typed = |(at, text): (usize, String)| Input::Typed { id: id(&sounding, at, &text), text };
                let inputs = texts.into_iter().enumerate().map(typed);
                take(&config, &cli.global, &sounding, inputs, false).await
            }
            Command::Demo { reply_wav, speak } => {
                let sounding = Sounding { speak, reply_wav, batch: None };
                demo::run(config, &cli.global, &sounding).await
            }
            Command::Eval(wanted) => eval::run(config, &cli.global, &wanted).await,
            Command::Setup(answers) => setup::run(config, &cli.global, &answers, target).await,
            Command::Doctor => doctor::run(&config, cli.global.json).await,
            Command::Journal(wanted) => journal::run(&config, &cli.global, &wanted).await,
            Command::Guild(command) => guild(&config, &cli.global, command).await,
            Command::Member(Members::SignIn(command)) => member::run(&config, &cli.global, command).await,
            Command::Member(Members::Roll(command)) => people::run(&config, &cli.global, command).await,
            Command::Squad(command) => people::run(&config, &cli.global, command).await,
            Command::Rank(command) => people::run(&config, &cli.global, command).await,
            Command::Category(command) => people::run(&config, &cli.global, command).await,
            Command::Access(command) => people::run(&config, &cli.global, command).await,
            Command::Commander(command) => people::run(&config, &cli.global, command).await,
            Command::Names(command) => name_trial::run(&config, &cli.global, command).await,
            Command::Db(command) => operator::run(&config, &cli.global, command).await,
            Command::Models(command) => models(&config, &command),
        }
    })
}

fn id(sounding: &Sounding, at: usize, content: &str) -> UtteranceId {
    sounding.batch.as_ref().map_or_else(UtteranceId::new, |batch| UtteranceId::of_batch(batch, at, content))
}

/// Takes the turns in order and lets each be seen and heard.
async fn take(
    config: &Config,
    global: &Global,
    sounding: &Sounding,
    inputs: impl Iterator<Item = Input>,
    with_speech: bool,
) -> Result<u8, Failure> {
    let mut turns = parts::turns(config, global, with_speech).await?;
    let mut aloud = Aloud::start(config, sounding.speak, sounding.reply_wav.clone())?;
    let mut code = EXIT_DONE;
    for input in inputs {
        let turn = turns.take(input).await;
        show::turn(&turn, global.json);
        aloud.reply(&turn);
        if matches!(turn.outcome, Ending::Refused | Ending::Asked | Ending::Failed) {
            code = EXIT_SOME_NOT;
        }
    }
    turns.close().await;
    aloud.finish();
    Ok(code)
}

async fn guild(config: &Config, global: &Global, command: Guild) -> Result<u8, Failure> {
    match command {
        Guild::Import { file } => people::import(config, global, &read_guild(&file)?).await,
        Guild::Export => people::export(config, global).await,
        Guild::Lint { file } => {
            let file = match file {
                Some(file) => read_guild(&file)?,
                None => people::visible(config, global).await?.0,
            };
            let warnings = lint::lint(&file);
            show::warnings(&warnings, global.json);
            Ok(if warnings.is_empty() { EXIT_DONE } else { EXIT_SOME_NOT })
        }
        Guild::List => {
            show::guilds(&parts::keeper(config).await?.guild_list().await?, global.json);
            Ok(EXIT_DONE)
        }
    }
}

/// Reads a guild file, or says everything that is wrong with it.
fn read_guild(file: &Path) -> Result<GuildFile, Failure> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()));
    guild_file::parse(&text.map_err(Failure::usage)?).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|one| format!("{}: {one}", file.display())).collect();
        Failure::usage(anyhow::anyhow!("nothing was imported, {} problems:\n{}", problems.len(), lines.join("\n")))
    })
}

fn models(config: &Config, command: &Models) -> Result<u8, Failure> {
    let files = speech::find_models(config.speech.model.as_deref())?;
    for file in [&files.model, &files.vad_model] {
        match command {
            Models::List => show::line(file.display()),
            Models::Verify => show::line(format_args!("{}: {}", file.display(), speech::verify(file)?)),
        }
    }
    Ok(EXIT_DONE)
}
