//! Who signs in how: a member's name → a [`Session`] that the database believes.
//!
//! On the embedded database the program is the owner of the machine, and members without a password, PIN or TOTP need
//! only be named. Everywhere else, and for everybody who has one, the secret decides ([`super::sign_in`]).

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use uuid::Uuid;

use super::{GuildTx, Store, StoreError};
use crate::domain::{MemberId, Named};
use crate::guild_file::suggestion;
use crate::secrets::SecretKind;

/// What the program calls itself in a session's row.
pub(super) const AGENT: &str = concat!("sphereconnect/", env!("CARGO_PKG_VERSION"));

/// A signed-in member: the proof that every transaction needs. Only the token's hash is stored.
#[derive(Clone)]
pub struct Session {
    token: SecretString,
    again: Again,
    /// The guild's name.
    pub guild: String,
    /// The member.
    pub member: Named<MemberId>,
}

/// How a session is opened again when it is over.
#[derive(Clone)]
pub(super) enum Again {
    /// By naming the member once more.
    Named,
    /// With the key that was computed from the secret.
    Key(SecretKind, Arc<SecretSlice<u8>>),
    /// Not at all: a TOTP code works only once.
    Never,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("guild", &self.guild).field("member", &self.member).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn token(&self) -> &str {
        self.token.expose_secret()
    }
}

impl Store {
    /// Signs a member in: with the password or PIN of the settings or the terminal, or by name alone where the program
    /// owns the database and the member has no secret. `guild` may be left out when the login may list the guilds and
    /// there is just one.
    ///
    /// # Errors
    /// [`StoreError::Guild`] and [`StoreError::Member`], with a suggestion only on the embedded database;
    /// [`StoreError::Secret`] when there is nothing to sign in with; [`StoreError::SignIn`], which says neither what
    /// was wrong nor who exists; [`StoreError::Protected`] for a lock on a member without secrets.
    pub async fn sign_in(&self, guild: Option<&str>, member: Option<&str>) -> Result<Session, StoreError> {
        let (id, guild) = match (self.keeper, guild) {
            (true, wanted) => self.guild_find(wanted).await.map(|(id, name)| (Some(id), name))?,
            (false, Some(wanted)) => (None, wanted.to_owned()),
            (false, None) => {
                let text = "say which guild with --guild NAME (or guild.name in the settings)";
                return Err(StoreError::Guild(text.to_owned()));
            }
        };
        let Some(member) = member else {
            return Err(StoreError::Member(format!("say who speaks with --as MEMBER (a member of {guild})")));
        };
        if let (Some(id), true) = (id, self.embedded.is_some())
            && let Some(session) = self.sign_in_named(id, &guild, member).await?
        {
            return Ok(session);
        }
        let (secrets, asked) = (self.secrets.clone(), member.to_owned());
        let credentials = tokio::task::spawn_blocking(move || secrets.credentials(&asked)).await;
        let credentials = credentials.map_err(|_| StoreError::Stopped)??;
        self.sign_in_with(&guild, member, &credentials).await
    }

    /// Opens a new session for a member whose session is over: by name or with the key that was kept, as it was opened.
    ///
    /// # Errors
    /// [`StoreError::SessionOver`] when that needs a person: the member has TOTP, or the secret was changed.
    pub async fn sign_in_again(&self, session: &Session) -> Result<Session, StoreError> {
        let (guild, member) = (session.guild.as_str(), session.member.name.as_str());
        match &session.again {
            Again::Named => self.sign_in(Some(guild), Some(member)).await,
            Again::Never => Err(StoreError::SessionOver),
            Again::Key(kind, key) => {
                let token = self.exchange(guild, member, *kind, key, None).await?;
                match token {
                    Some(token) => self.session(token, session.again.clone()).await,
                    None => Err(StoreError::SessionOver),
                }
            }
        }
    }

    /// Ends a session; its token opens nothing any more.
    ///
    /// # Errors
    /// When the database cannot be reached; the session ends by itself after its time.
    pub async fn sign_out(&self, session: &Session) -> Result<(), StoreError> {
        let mut tx = self.begin(session).await?;
        sqlx::query!("select session_close()").execute(&mut *tx.tx).await?;
        tx.commit().await
    }

    /// Asks the database whose token it is.
    pub(super) async fn session(&self, token: SecretString, again: Again) -> Result<Session, StoreError> {
        let mut session = Session {
            token,
            again,
            guild: String::new(),
            member: Named { id: MemberId(Uuid::nil()), name: String::new() },
        };
        let mut tx: GuildTx = self.begin(&session).await?;
        let who = sqlx::query!(r#"select guild as "guild!", member as "member!", name as "name!" from session_who()"#)
            .fetch_optional(&mut *tx.tx)
            .await?
            .ok_or(StoreError::SessionOver)?;
        tx.rollback().await?;
        session.guild = who.guild;
        session.member = Named { id: MemberId(who.member), name: who.name };
        Ok(session)
    }

    /// A member without any secret, named by the owner of the machine. `None` for one who has a secret.
    async fn sign_in_named(&self, guild: Uuid, name: &str, wanted: &str) -> Result<Option<Session>, StoreError> {
        let found = sqlx::query!(
            r#"
            select id, name, password is not null or pin is not null or totp_secret is not null as "secret!",
                coalesce(greatest(locked_until, pin_locked_until) > now(), false) as "locked!"
            from users where guild_id = $1 and lower(name) = lower($2)
            "#,
            guild,
            wanted,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Err(self.nobody(guild, name, wanted).await?) };
        if found.secret {
            return Ok(None);
        }
        if found.locked {
            return Err(StoreError::Protected(found.name));
        }
        let token =
            sqlx::query_scalar!(r#"select session_open($1, $2, 'keeper', $3) as "token!""#, guild, found.id, AGENT)
                .fetch_one(&self.pool)
                .await?;
        self.session(token.into(), Again::Named).await.map(Some)
    }

    pub(super) async fn guild_find(&self, wanted: Option<&str>) -> Result<(Uuid, String), StoreError> {
        let all = sqlx::query!("select id, name from guilds order by lower(name) limit 1000")
            .fetch_all(&self.pool)
            .await
            .map_err(keeper_only)?;
        let names = || all.iter().map(|one| one.name.as_str()).take(8).collect::<Vec<_>>().join(", ");
        match (wanted, all.as_slice()) {
            (_, []) => Err(StoreError::Guild(
                "there is no guild in the database yet; bring one in with `sphereconnect guild import FILE.toml`, or \
                 try `sphereconnect demo`"
                    .to_owned(),
            )),
            (None, [only]) => Ok((only.id, only.name.clone())),
            (None, _) => Err(StoreError::Guild(format!("say which guild with --guild NAME: {}", names()))),
            (Some(wanted), all) => all
                .iter()
                .find(|one| one.name.to_lowercase() == wanted.to_lowercase())
                .map(|one| (one.id, one.name.clone()))
                .ok_or_else(|| StoreError::Guild(format!("no guild is called \"{wanted}\"; there is {}", names()))),
        }
    }

    pub(super) async fn nobody(&self, guild: Uuid, name: &str, wanted: &str) -> Result<StoreError, StoreError> {
        let names = sqlx::query_scalar!("select name from users where guild_id = $1 order by name limit 5000", guild)
            .fetch_all(&self.pool)
            .await?;
        let near = suggestion(wanted, names.iter().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Ok(StoreError::Member(format!("no member of {name} is called \"{wanted}\"{near}")))
    }
}

/// The owner's statement in another login's hands: a missing right, or a policy that asks for a session's token.
fn keeper_only(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(|one| one.code()).as_deref() {
        Some("42501" | "42704" | "28000") => StoreError::NotKeeper,
        _ => StoreError::from(error),
    }
}
