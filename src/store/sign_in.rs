//! Signing in with a secret. The clear secret never leaves this process: the database says how to compute a key from
//! it (argon2id, with the member's salt) and is sent the key.
//!
//! A guess takes two transactions. The first counts it and gets a ticket, the second trades the ticket for a token. A
//! client that takes the first back has no ticket, so no guess goes uncounted.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretSlice, SecretString};
use uuid::Uuid;

use super::session::{AGENT, Again, Session};
use super::{Store, StoreError, sign_in_key};
use crate::secrets::{Credentials, SecretKind};

impl Store {
    /// Signs a member in with a password or a PIN.
    ///
    /// # Errors
    /// [`StoreError::SignIn`] for whatever was wrong with it, in the same words and the same time.
    pub async fn sign_in_with(
        &self,
        guild: &str,
        member: &str,
        credentials: &Credentials,
    ) -> Result<Session, StoreError> {
        let kind = credentials.kind;
        let mut tx = self.begin_app().await?;
        let parameters = sqlx::query_scalar!(
            r#"select sign_in_parameters($1, $2, $3) as "parameters!""#,
            guild,
            member,
            kind.word()
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(named)?;
        tx.commit().await?;
        let key = sign_in_key::key(&parameters, &credentials.secret).await?;
        let code = credentials.code.as_ref();
        let token = self.exchange(guild, member, kind, &key, code).await?.ok_or(StoreError::SignIn)?;
        let again = if code.is_some() { Again::Never } else { Again::Key(kind, Arc::new(key)) };
        self.session(token, again).await
    }

    /// Key → ticket → token; `None` for a wrong guess.
    pub(super) async fn exchange(
        &self,
        guild: &str,
        member: &str,
        kind: SecretKind,
        key: &SecretSlice<u8>,
        code: Option<&SecretString>,
    ) -> Result<Option<SecretString>, StoreError> {
        let mut tx = self.begin_app().await?;
        let ticket: Uuid = sqlx::query_scalar!(
            r#"select sign_in_try($1, $2, $3, $4, $5, $6) as "ticket!""#,
            guild,
            member,
            kind.word(),
            key.expose_secret(),
            code.map(|code| code.expose_secret().trim()),
            AGENT
        )
        .fetch_one(&mut *tx)
        .await
        .map_err(named)?;
        tx.commit().await?;
        let mut tx = self.begin_app().await?;
        let token = sqlx::query_scalar!("select sign_in_take($1)", ticket).fetch_one(&mut *tx).await?;
        tx.commit().await?;
        Ok(token.map(SecretString::from))
    }
}

/// A text that no database can hold, such as one with a null character, is nobody's name.
fn named(error: sqlx::Error) -> StoreError {
    match error.as_database_error().and_then(|one| one.code()).as_deref() {
        Some("22021") => StoreError::SignIn,
        _ => StoreError::from(error),
    }
}
