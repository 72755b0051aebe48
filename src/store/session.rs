//! Signing in: a member's name → a [`Session`] that the database believes.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Store, StoreError};
use crate::domain::{MemberId, Named};
use crate::guild_file::suggestion;

/// How long a session lasts.
const SESSION_HOURS: i32 = 12;

/// A signed-in member: the proof that every transaction needs. Only the token's hash is stored.
#[derive(Clone)]
pub struct Session {
    token: String,
    id: Uuid,
    /// The guild's name.
    pub guild: String,
    /// The member.
    pub member: Named<MemberId>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("guild", &self.guild).field("member", &self.member).finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn token(&self) -> &str {
        &self.token
    }
}

impl Store {
    /// Signs a member in who has neither password, PIN nor TOTP and is not locked, as the owner of the machine (or of the tables) may.
    /// `guild` may be left out when there is just one.
    ///
    /// # Errors
    /// [`StoreError::Guild`] and [`StoreError::Member`] with a suggestion, [`StoreError::Protected`],
    /// [`StoreError::NotKeeper`] when the login does not own the tables.
    pub async fn sign_in(&self, guild: Option<&str>, member: Option<&str>) -> Result<Session, StoreError> {
        let guild = self.guild_find(guild).await?;
        let Some(wanted) = member else {
            return Err(StoreError::Member(format!("say who speaks with --as MEMBER (a member of {})", guild.1)));
        };
        let found = sqlx::query!(
            r#"
            select id, name, (password is not null or pin is not null or totp_secret is not null
                or coalesce(locked_until > now(), false)) as "protected!"
            from users where guild_id = $1 and lower(name) = lower($2)
            "#,
            guild.0,
            wanted,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(keeper_only)?;
        let Some(found) = found else { return Err(self.nobody(guild, wanted).await?) };
        if found.protected {
            return Err(StoreError::Protected(found.name));
        }
        let token = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let hash =
            Sha256::digest(token.as_bytes()).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        let agent = concat!("sphereconnect/", env!("CARGO_PKG_VERSION"));
        let opened = sqlx::query_scalar!(
            r#"
            with expired as (
                delete from user_sessions where guild_id = $1 and user_id = $2 and expires_at < now()
            )
            insert into user_sessions (guild_id, user_id, token_hash, expires_at, user_agent)
            values ($1, $2, $3, now() + make_interval(hours => $4), $5)
            returning id
            "#,
            guild.0,
            found.id,
            hash,
            SESSION_HOURS,
            agent,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(keeper_only)?;
        let member = Named { id: MemberId(found.id), name: found.name };
        Ok(Session { token, id: opened, guild: guild.1, member })
    }

    /// Ends a session; its token opens nothing any more.
    ///
    /// # Errors
    /// When the database cannot be reached; the session ends by itself after its time.
    pub async fn sign_out(&self, session: &Session) -> Result<(), StoreError> {
        sqlx::query!("delete from user_sessions where id = $1", session.id).execute(&self.pool).await?;
        Ok(())
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

    async fn nobody(&self, guild: (Uuid, String), wanted: &str) -> Result<StoreError, StoreError> {
        let names = sqlx::query_scalar!("select name from users where guild_id = $1 order by name limit 5000", guild.0)
            .fetch_all(&self.pool)
            .await?;
        let near = suggestion(wanted, names.iter().map(String::as_str))
            .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
        Ok(StoreError::Member(format!("no member of {} is called \"{wanted}\"{near}", guild.1)))
    }
}

fn keeper_only(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(|one| one.code()).as_deref() {
        Some("42501") => StoreError::NotKeeper,
        _ => StoreError::from(error),
    }
}
