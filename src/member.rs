//! `member`: passwords, PINs, TOTP, locks and sessions.
//!
//! With `--as`, that member signs in and does what their rights allow. Without it, whoever owns the database does it
//! for any member of the guild.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::cli::{Global, Member};
use crate::config::Config;
use crate::parts::{self, EXIT_DONE, EXIT_SOME_NOT, Failure};
use crate::secrets::{SecretKind, Secrets};
use crate::show;
use crate::store::{Managing, Session, Store, StoreError};

/// Carries out a command about members.
///
/// # Errors
/// When a part is not available, a name is unknown, or the member may not do it.
pub async fn run(config: &Config, global: &Global, command: Member) -> Result<u8, Failure> {
    if global.dry_run {
        return Err(Failure::usage(anyhow::anyhow!("`member` changes at once; it knows no --dry-run")));
    }
    let (store, session) = parts::acting(config, global).await?;
    let guild = global.guild.as_deref().or(config.guild.as_deref());
    let done = carry_out(&store, session.as_ref(), guild, config, global.json, command).await;
    parts::leave(&store, session.as_ref()).await;
    done
}

async fn carry_out(
    store: &Store,
    session: Option<&Session>,
    guild: Option<&str>,
    config: &Config,
    json: bool,
    command: Member,
) -> Result<u8, Failure> {
    let mut manage = match session {
        Some(session) => store.manage(session).await?,
        None => store.manage_as_keeper(guild).await?,
    };
    match command {
        Member::Password { name, clear } => {
            secret(&mut manage, config, SecretKind::Password, name.as_deref(), clear).await?;
        }
        Member::Pin { name, clear } => secret(&mut manage, config, SecretKind::Pin, name.as_deref(), clear).await?,
        Member::Totp { name, clear: true } => {
            let member = manage.member(name.as_deref()).await?;
            manage.secret_clear(member.id, "totp").await?;
            show::line(format_args!("{} signs in without a TOTP code from now on", member.name));
        }
        Member::Totp { name, clear: false } => {
            return totp(store, manage, session, guild, name.as_deref()).await;
        }
        Member::Unlock { name } => {
            let member = manage.member(Some(&name)).await?;
            manage.unlock(member.id).await?;
            show::line(format_args!("{} is not locked", member.name));
        }
        Member::Sessions => sessions(&mut manage, json).await?,
        Member::EndSession { session: Some(id), .. } => {
            if !manage.session_end(id).await? {
                return Err(Failure::usage(anyhow::anyhow!(
                    "there is no session {id} that you may end; `sphereconnect member sessions` lists them"
                )));
            }
            show::line("ended 1 session");
        }
        Member::EndSession { session: None, all } => {
            let member = manage.member(all.as_deref()).await?;
            let count = manage.session_end_all(member.id).await?;
            show::line(format_args!("ended {count} session{} of {}", if count == 1 { "" } else { "s" }, member.name));
        }
        Member::Status { name } => status(&mut manage, name.as_deref(), json).await?,
    }
    manage.commit().await?;
    Ok(EXIT_DONE)
}

async fn secret(
    manage: &mut Managing,
    config: &Config,
    kind: SecretKind,
    name: Option<&str>,
    clear: bool,
) -> Result<(), Failure> {
    let member = manage.member(name).await?;
    if clear {
        manage.secret_clear(member.id, kind.word()).await?;
        show::line(format_args!("{} has no {kind} any more", member.name));
        return Ok(());
    }
    let (secrets, asked) = (config.secrets.clone(), member.name.clone());
    let typed = tokio::task::spawn_blocking(move || secrets.new_secret(kind, &asked)).await;
    let secret = typed.map_err(|_| StoreError::Stopped)?.map_err(StoreError::from)?;
    manage.secret_set(member.id, kind, &secret).await?;
    show::line(format_args!("the {kind} of {} is set; their other sessions have ended", member.name));
    Ok(())
}

/// Shows a new secret once, waits for a code of it, and only then lets it count. No transaction is open meanwhile.
async fn totp(
    store: &Store,
    mut manage: Managing,
    session: Option<&Session>,
    guild: Option<&str>,
    name: Option<&str>,
) -> Result<u8, Failure> {
    let member = manage.member(name).await?;
    let secret = manage.totp_begin(member.id).await?;
    let issuer = manage.guild().to_owned();
    manage.commit().await?;
    let secret = secret.expose_secret();
    show::line(format_args!("secret {secret}"));
    show::line(format_args!(
        "otpauth://totp/{0}:{1}?secret={secret}&issuer={0}&algorithm=SHA1&digits=6&period=30",
        escaped(&issuer),
        escaped(&member.name)
    ));
    let typed = tokio::task::spawn_blocking(Secrets::first_code).await;
    let code = typed.map_err(|_| StoreError::Stopped)?.map_err(StoreError::from)?;
    let mut manage = match session {
        Some(session) => store.manage(session).await?,
        None => store.manage_as_keeper(guild).await?,
    };
    if !manage.totp_confirm(member.id, &code).await? {
        show::line("that is not the code of this moment, so nothing was changed; check the clock of both devices");
        return Ok(EXIT_SOME_NOT);
    }
    manage.commit().await?;
    show::line(format_args!("{} signs in with a TOTP code from now on", member.name));
    Ok(EXIT_DONE)
}

async fn sessions(manage: &mut Managing, json: bool) -> Result<(), Failure> {
    let all = manage.sessions().await?;
    if json {
        all.iter().for_each(|one| show::line(json!(one)));
        return Ok(());
    }
    show::line(format_args!(
        "{:<36} {:<20} {:<8} {:<16} {:<16} {:<15} program",
        "session", "member", "with", "last used", "ends", "from"
    ));
    for one in all {
        show::line(format_args!(
            "{} {:<20} {:<8} {:<16} {:<16} {:<15} {}{}",
            one.session,
            one.member,
            one.opened_with,
            minute(one.last_seen_at),
            minute(one.expires_at),
            one.ip_address.unwrap_or_default(),
            one.user_agent.unwrap_or_default(),
            if one.this { " (this one)" } else { "" }
        ));
    }
    Ok(())
}

async fn status(manage: &mut Managing, name: Option<&str>, json: bool) -> Result<(), Failure> {
    let only = match name {
        Some(_) => Some(manage.member(name).await?.id),
        None => None,
    };
    let all = manage.status().await?;
    let shown: Vec<_> = all.into_iter().filter(|one| only.is_none_or(|id| one.id == id.0)).collect();
    if shown.is_empty() {
        return Err(StoreError::Denied(
            "how others sign in is shown to members who may manage users, and only below their own rank".to_owned(),
        )
        .into());
    }
    if json {
        shown.iter().for_each(|one| show::line(json!(one)));
        return Ok(());
    }
    show::line(format_args!(
        "{:<20} {:<18} {:<16} {:<24} last signed in",
        "member", "signs in with", "failures", "locked"
    ));
    for one in shown {
        let with: Vec<&str> = [(one.password, "password"), (one.pin, "PIN"), (one.totp, "TOTP")]
            .iter()
            .filter_map(|(has, word)| has.then_some(*word))
            .collect();
        let now = Utc::now();
        let locks = [("password", one.locked_until), ("PIN", one.pin_locked_until)];
        let locked: Vec<String> = locks
            .iter()
            .filter_map(|(word, until)| {
                until.filter(|until| *until > now).map(|until| format!("{word} to {}", until.format("%H:%M")))
            })
            .collect();
        show::line(format_args!(
            "{:<20} {:<18} {:<16} {:<24} {}",
            one.name,
            if with.is_empty() { "nothing".to_owned() } else { with.join(", ") },
            format!("{} / {}", one.failures, one.pin_failures),
            if locked.is_empty() { "no".to_owned() } else { locked.join(", ") },
            one.last_login.map_or_else(|| "never".to_owned(), minute)
        ));
    }
    Ok(())
}

fn minute(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M").to_string()
}

/// A text as part of a URI: everything but letters, digits and `-._~` by its bytes.
fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}
