//! Passwords, PINs, TOTP, locks and sessions of members, managed by a member or by the keeper.
//!
//! A member's changes go through functions of the database that check their rights; the keeper owns the tables and
//! uses the functions beneath those.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::{Session, Store, StoreError, code_is, sign_in_key};
use crate::domain::{MemberId, Named};
use crate::secrets::SecretKind;

/// How a member signs in.
#[derive(Debug, Clone, Serialize)]
pub struct SignInStatus {
    /// Their id.
    #[serde(skip)]
    pub id: Uuid,
    /// What they are called.
    pub name: String,
    /// Whether they have a password.
    pub password: bool,
    /// Whether they have a PIN.
    pub pin: bool,
    /// Whether they have TOTP.
    pub totp: bool,
    /// Wrong passwords since the last right one.
    pub failures: i32,
    /// Until when the password is locked; in the past when it is not any more.
    pub locked_until: Option<DateTime<Utc>>,
    /// Wrong PINs since the last right one.
    pub pin_failures: i32,
    /// Until when the PIN is locked.
    pub pin_locked_until: Option<DateTime<Utc>>,
    /// When they last signed in.
    pub last_login: Option<DateTime<Utc>>,
}

/// An open session.
#[derive(Debug, Clone, Serialize)]
pub struct SessionEntry {
    /// Its id, by which it is ended.
    pub session: Uuid,
    /// Whose it is.
    pub member: String,
    /// `password`, `pin` or `keeper`.
    pub opened_with: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends at the latest.
    pub expires_at: DateTime<Utc>,
    /// Where from.
    pub ip_address: Option<String>,
    /// What program.
    pub user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub this: bool,
}

/// One transaction of managing. Rolled back unless it is committed.
#[derive(Debug)]
pub struct Managing {
    tx: Transaction<'static, Postgres>,
    /// The guild, for the keeper; a member's is in the session.
    keeper_of: Option<Uuid>,
    guild: String,
    own: Option<Named<MemberId>>,
}

impl Store {
    /// Manages as a signed-in member.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn manage(&self, session: &Session) -> Result<Managing, StoreError> {
        let tx = self.begin(session).await?.tx;
        Ok(Managing { tx, keeper_of: None, guild: session.guild.clone(), own: Some(session.member.clone()) })
    }

    /// Manages as the owner of the tables, who needs no right.
    ///
    /// # Errors
    /// [`StoreError::NotKeeper`] for any other login, [`StoreError::Guild`] when it is not clear which guild.
    pub async fn manage_as_keeper(&self, guild: Option<&str>) -> Result<Managing, StoreError> {
        if !self.keeper {
            return Err(StoreError::NotKeeper);
        }
        let (id, guild) = self.guild_find(guild).await?;
        Ok(Managing { tx: self.pool.begin().await?, keeper_of: Some(id), guild, own: None })
    }
}

impl Managing {
    /// The guild's name.
    #[must_use]
    pub fn guild(&self) -> &str {
        &self.guild
    }

    /// Whether no member is signed in.
    #[must_use]
    pub fn is_keeper(&self) -> bool {
        self.keeper_of.is_some()
    }

    /// Finds a member by name; without a name, the one who is signed in.
    ///
    /// # Errors
    /// [`StoreError::Member`].
    pub async fn member(&mut self, name: Option<&str>) -> Result<Named<MemberId>, StoreError> {
        let Some(name) = name else {
            let unsaid = || StoreError::Member(format!("say which member of {}", self.guild));
            return self.own.clone().ok_or_else(unsaid);
        };
        // The keeper sees every guild, a member only the one of the session: policies see to that.
        let found = sqlx::query!(
            "select id, name from users where lower(name) = lower($1) and guild_id = coalesce($2, guild_id)",
            name,
            self.keeper_of
        );
        let found = found.fetch_optional(&mut *self.tx).await?;
        let found = found.map(|row| Named { id: MemberId(row.id), name: row.name });
        found.ok_or_else(|| StoreError::Member(format!("no member of {} is called \"{name}\"", self.guild)))
    }

    /// Sets a password or PIN. Ends the member's other sessions.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not.
    pub async fn secret_set(
        &mut self,
        of: MemberId,
        kind: SecretKind,
        secret: &SecretString,
    ) -> Result<(), StoreError> {
        let verifier = sign_in_key::verifier(secret).await?;
        let done = match self.keeper_of {
            Some(guild) => {
                sqlx::query!("select secret_write($1, $2, $3, $4)", guild, of.0, kind.word(), verifier)
                    .execute(&mut *self.tx)
                    .await
            }
            None => {
                sqlx::query!("select secret_set($1, $2, $3)", of.0, kind.word(), verifier).execute(&mut *self.tx).await
            }
        };
        done.map(|_| ()).map_err(denied)
    }

    /// Takes a secret away: `password`, `pin` or `totp`. Ends the member's other sessions.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not.
    pub async fn secret_clear(&mut self, of: MemberId, kind: &str) -> Result<(), StoreError> {
        let done = match self.keeper_of {
            Some(guild) => {
                sqlx::query!("select secret_write($1, $2, $3, null)", guild, of.0, kind).execute(&mut *self.tx).await
            }
            None => sqlx::query!("select secret_clear($1, $2)", of.0, kind).execute(&mut *self.tx).await,
        };
        done.map(|_| ()).map_err(denied)
    }

    /// Proposes a TOTP secret, in base32. A member does so only for themselves.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not.
    pub async fn totp_begin(&mut self, of: MemberId) -> Result<SecretString, StoreError> {
        let secret = match self.keeper_of {
            Some(guild) => {
                sqlx::query_scalar!(r#"select totp_prepare($1, $2) as "secret!""#, guild, of.0)
                    .fetch_one(&mut *self.tx)
                    .await
            }
            None => {
                self.only_oneself(of)?;
                sqlx::query_scalar!(r#"select totp_begin() as "secret!""#).fetch_one(&mut *self.tx).await
            }
        };
        secret.map(SecretString::from).map_err(denied)
    }

    /// Makes the proposed secret count when the code is of it; false otherwise.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not.
    pub async fn totp_confirm(&mut self, of: MemberId, code: &SecretString) -> Result<bool, StoreError> {
        let code = code.expose_secret().trim();
        let right = match self.keeper_of {
            Some(guild) => {
                sqlx::query_scalar!(r#"select totp_accept($1, $2, $3) as "right!""#, guild, of.0, code)
                    .fetch_one(&mut *self.tx)
                    .await
            }
            None => {
                self.only_oneself(of)?;
                sqlx::query_scalar!(r#"select totp_confirm($1) as "right!""#, code).fetch_one(&mut *self.tx).await
            }
        };
        right.map_err(denied)
    }

    fn only_oneself(&self, of: MemberId) -> Result<(), StoreError> {
        match &self.own {
            Some(own) if own.id == of => Ok(()),
            _ => Err(StoreError::Denied("TOTP is set by each member for themselves; it can be cleared".to_owned())),
        }
    }

    /// Lifts the locks of a member.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not.
    pub async fn unlock(&mut self, of: MemberId) -> Result<(), StoreError> {
        let done = match self.keeper_of {
            Some(guild) => {
                sqlx::query_scalar!("select member_release($1, $2)", guild, of.0).fetch_one(&mut *self.tx).await
            }
            None => sqlx::query_scalar!("select member_unlock($1)", of.0).fetch_one(&mut *self.tx).await,
        };
        done.map(|_| ()).map_err(denied)
    }

    /// How the members sign in whom one may manage, and oneself; in the order of their names.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn status(&mut self) -> Result<Vec<SignInStatus>, StoreError> {
        let rows = match self.keeper_of {
            Some(guild) => {
                sqlx::query_as!(
                    SignInStatus,
                    r#"select id, name, password is not null as "password!", pin is not null as "pin!",
                        totp_secret is not null as "totp!", failed_attempts as failures, locked_until,
                        pin_failed_attempts as pin_failures, pin_locked_until, last_login
                    from users where guild_id = $1 order by lower(name)"#,
                    guild
                )
                .fetch_all(&mut *self.tx)
                .await
            }
            None => {
                sqlx::query_as!(
                    SignInStatus,
                    r#"select member as "id!", name as "name!", has_password as "password!", has_pin as "pin!",
                        has_totp as "totp!", failures as "failures!", locked_until, pin_failures as "pin_failures!",
                        pin_locked_until, last_login
                    from members_sign_in()"#
                )
                .fetch_all(&mut *self.tx)
                .await
            }
        };
        Ok(rows?)
    }

    /// The open sessions one may end.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn sessions(&mut self) -> Result<Vec<SessionEntry>, StoreError> {
        let rows = match self.keeper_of {
            Some(guild) => sqlx::query_as!(
                SessionEntry,
                r#"select s.id as session, u.name as member, s.opened_with, s.created_at, s.last_seen_at, s.expires_at,
                        s.ip_address, s.user_agent, false as "this!"
                    from user_sessions s join users u on u.guild_id = s.guild_id and u.id = s.user_id
                        join guilds g on g.id = s.guild_id
                    where s.guild_id = $1 and s.expires_at > now()
                        and s.last_seen_at > now() - make_interval(mins => g.session_idle_minutes)
                    order by lower(u.name), s.created_at"#,
                guild
            )
            .fetch_all(&mut *self.tx)
            .await,
            None => {
                sqlx::query_as!(
                    SessionEntry,
                    r#"select session as "session!", name as "member!", opened_with as "opened_with!",
                        created_at as "created_at!", last_seen_at as "last_seen_at!", expires_at as "expires_at!",
                        ip_address, user_agent, is_this as "this!"
                    from sessions_visible()"#
                )
                .fetch_all(&mut *self.tx)
                .await
            }
        };
        Ok(rows?)
    }

    /// Ends one session; false when there is none of that id to end.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn session_end(&mut self, session: Uuid) -> Result<bool, StoreError> {
        match self.keeper_of {
            Some(guild) => {
                let gone = sqlx::query!("delete from user_sessions where guild_id = $1 and id = $2", guild, session);
                Ok(gone.execute(&mut *self.tx).await?.rows_affected() > 0)
            }
            None => {
                let gone = sqlx::query_scalar!(r#"select session_end($1) as "gone!""#, session);
                Ok(gone.fetch_one(&mut *self.tx).await?)
            }
        }
    }

    /// Ends all sessions of a member but the one that asks; how many.
    ///
    /// # Errors
    /// [`StoreError::Denied`] for a member who may not.
    pub async fn session_end_all(&mut self, of: MemberId) -> Result<i64, StoreError> {
        let gone = match self.keeper_of {
            Some(guild) => {
                sqlx::query_scalar!(r#"select sessions_drop($1, $2) as "gone!""#, guild, of.0)
                    .fetch_one(&mut *self.tx)
                    .await
            }
            None => {
                sqlx::query_scalar!(r#"select session_end_all($1) as "gone!""#, of.0).fetch_one(&mut *self.tx).await
            }
        };
        gone.map_err(denied)
    }

    /// Makes the changes last.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.tx.commit().await?)
    }
}

/// The database's own words for why a member may not.
fn denied(error: sqlx::Error) -> StoreError {
    match error.as_database_error().map(|one| one.message().to_owned()) {
        Some(words) if code_is(&error, "42501") => StoreError::Denied(words),
        _ => StoreError::from(error),
    }
}
